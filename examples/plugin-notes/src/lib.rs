//! A plugin as somebody outside would write it, with nothing but what hallpass publishes: users keep notes.
//!
//! It adds a table, a field on the user, two endpoints that require a session, a rate-limit rule, and a hook that stamps every
//! answer. The store learns nothing of it: the table reaches it through the schema.

use std::time::Duration;

use hallpass::{
    ApiError, BuildError, Context, Endpoint, Input, NoInput, RateLimitRule, Requirement, Route,
    options::AdditionalField,
    plugin::{Plugin, Registrar, hook, paths},
    store::{
        Batch, Column, ColumnKind, Filter, Order, Query, Record, Row, StoreError, Table, Timestamp, record::Cells,
    },
    wire::Reader,
};
use http::{HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub struct Notes {
    longest: usize,
}

impl Notes {
    /// Keeps notes of up to `longest` bytes.
    pub fn up_to(longest: usize) -> Self {
        Self { longest }
    }
}

impl Plugin for Notes {
    fn id(&self) -> &'static str {
        "notes"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        if self.longest == 0 {
            return Err(BuildError::new("notes: the longest note must have at least one byte"));
        }
        registrar.table(
            Table::new("note")
                .column(Column::new("userId", ColumnKind::Text).references("user", "id").indexed())
                .column(Column::new("text", ColumnKind::Text))
                .column(Column::new("createdAt", ColumnKind::Date)),
        );
        registrar.user_field("motto", AdditionalField { required: Some(false), ..AdditionalField::default() });
        registrar.endpoint(AddNote { longest: self.longest });
        registrar.endpoint(ListNotes);
        registrar.rate_limit(RateLimitRule::new(|path| path == "/notes/add", Duration::from_mins(1), 20));
        registrar.error_code("NOTE_TOO_LONG", "Note is too long");
        registrar.after(
            paths(["/notes/add", "/notes/list"]),
            hook(|cx| {
                let (name, value) = (HeaderName::from_static("x-notes"), HeaderValue::from_static("1"));
                cx.outgoing_mut().set_header(name, value);
                Box::pin(async { Ok(()) })
            }),
        );
        Ok(())
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Which note.
    pub id: String,
    /// Whose note.
    pub user_id: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Record for Note {
    const TABLE: &'static str = "note";

    fn from_row(row: Row) -> Result<Self, StoreError> {
        let mut cells = Cells::new(Self::TABLE, row);
        Ok(Self {
            id: cells.text("id")?,
            user_id: cells.text("userId")?,
            text: cells.text("text")?,
            created_at: cells.date("createdAt")?,
        })
    }

    fn into_row(self) -> Row {
        Row::new()
            .with("id", self.id)
            .with("userId", self.user_id)
            .with("text", self.text)
            .with("createdAt", self.created_at)
    }
}

/// `POST /notes/add`
#[derive(Debug)]
pub struct AddNote {
    longest: usize,
}

/// What is to be noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewNote {
    /// What it says.
    pub text: String,
}

impl Input for NewNote {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().non_empty_string("text").map(|text| Self { text })
    }
}

impl Endpoint for AddNote {
    type Input = NewNote;
    type Output = Note;

    fn route(&self) -> Route {
        Route::post("/notes/add").requires(Requirement::Session)
    }

    async fn handle(&self, cx: &mut Context, input: NewNote) -> Result<Note, ApiError> {
        if input.text.len() > self.longest {
            return Err(ApiError::coded(StatusCode::BAD_REQUEST, "NOTE_TOO_LONG", "Note is too long"));
        }
        let user_id = cx.required_session()?.user.id.to_string();
        let note = Note { id: cx.draw_id(), user_id, text: input.text, created_at: cx.now() };
        let batch = Batch::new().insert(Note::TABLE, note.clone().into_row());
        cx.store().write(cx.schema(), batch).await?;
        Ok(note)
    }
}

/// `GET /notes/list`
#[derive(Debug)]
pub struct ListNotes;

impl Endpoint for ListNotes {
    type Input = NoInput;
    type Output = Vec<Note>;

    fn route(&self) -> Route {
        Route::get("/notes/list").requires(Requirement::Session)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Vec<Note>, ApiError> {
        let own = Filter::eq("userId", &cx.required_session()?.user.id);
        let query = Query::table(Note::TABLE).filter(own).order_by("createdAt", Order::Ascending);
        let rows = cx.store().find(cx.schema(), query).await?;
        Ok(rows.into_iter().map(Note::from_row).collect::<Result<_, _>>()?)
    }
}
