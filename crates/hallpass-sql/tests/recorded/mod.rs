//! The schema with which facts of the npm package were recorded: every kind of field, in every role.

use hallpass_store::{
    Column,
    ColumnKind::{BigInteger, Boolean, Date, Integer, Json, NumberList, Text, TextList},
    Schema, Table, Value,
};

/// The fields the facts were recorded with.
pub(crate) fn fields() -> Vec<Column> {
    let optional = |name: &str, kind| Column::new(name, kind).optional();
    vec![
        optional("text", Text),
        optional("textDef", Text).default_value("x'y"),
        Column::new("textReq", Text).default_value("d"),
        optional("num", Integer).default_value(7_i64),
        Column::new("numReq", Integer).default_value(Value::Number(1.5)),
        optional("big", BigInteger),
        optional("bool", Boolean).default_value(false),
        Column::new("boolReq", Boolean).default_value(true),
        optional("date", Date),
        optional("json", Json),
        optional("texts", TextList),
        optional("nums", NumberList),
        optional("uniq", Text).unique(),
        optional("uniqDef", Text).unique().default_value("q"),
        optional("idx", Text).indexed(),
        optional("uniqIdx", Text).unique().indexed(),
        optional("refId", Text).references("user", "id"),
        optional("refEmail", Text).references("user", "email").indexed(),
    ]
}

pub(crate) fn wide() -> Schema {
    let note = fields().into_iter().fold(Table::new("note"), Table::column);
    let note = note
        .column(Column::new("reqUniq", Text).unique())
        .column(Column::new("reqIdx", Text).indexed())
        .column(Column::new("reqRef", Text).references("user", "id").unique());
    fields().into_iter().fold(Schema::core(), |schema, field| schema.with_column("user", field)).with_table(note)
}
