//! Cells on their way to the server and back.

use bytes::{BufMut, BytesMut};
use hallpass_store::{StoreError, Timestamp};
use tokio_postgres::{
    Row,
    types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked},
};

use crate::{
    decode::{BYTES, CellRef, Cells},
    dialect::Cell,
};

type Wrong = Box<dyn std::error::Error + Sync + Send>;

/// The type that is told to the server. Texts have none, so that it takes them for what their column is.
pub(super) fn type_of(cell: &Cell) -> Type {
    match cell {
        Cell::Integer(_) => Type::INT8,
        Cell::Real(_) => Type::FLOAT8,
        Cell::Null | Cell::Text(_) | Cell::Boolean(_) => Type::UNKNOWN,
    }
}

impl ToSql for Cell {
    fn to_sql(&self, _type: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Boolean(flag) => out.put_slice(if *flag { b"true" } else { b"false" }),
            Self::Integer(number) => out.put_i64(*number),
            Self::Real(number) => out.put_f64(*number),
        }
        Ok(IsNull::No)
    }

    fn accepts(_type: &Type) -> bool {
        true
    }

    fn encode_format(&self, _type: &Type) -> Format {
        match self {
            Self::Integer(_) | Self::Real(_) => Format::Binary,
            Self::Null | Self::Text(_) | Self::Boolean(_) => Format::Text,
        }
    }

    to_sql_checked!();
}

impl std::fmt::Debug for Cell {
    /// Says nothing: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cell")
    }
}

/// A row as Postgres has it.
pub(super) struct PostgresRow<'r> {
    row: &'r Row,
    /// Texts of what is sent as something else, by column.
    written: Vec<(usize, String)>,
}

impl<'r> PostgresRow<'r> {
    pub(super) fn new(row: &'r Row) -> Self {
        let uuids = row.columns().iter().enumerate().filter(|(_, column)| *column.type_() == Type::UUID);
        let written =
            uuids.filter_map(|(index, _)| Some((index, uuid(row.try_get::<_, Option<Raw<'_>>>(index).ok()??.0))));
        Self { row, written: written.collect() }
    }
}

impl Cells for PostgresRow<'_> {
    type Error = StoreError;

    fn cell(&self, index: usize) -> Result<CellRef<'_>, StoreError> {
        if let Some((_, text)) = self.written.iter().find(|(at, _)| *at == index) {
            return Ok(CellRef::Text(text.as_bytes()));
        }
        let cell = self.row.try_get::<_, Option<Decoded<'_>>>(index).map_err(StoreError::unavailable)?;
        Ok(cell.map_or(CellRef::Null, |cell| cell.0))
    }
}

struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_type: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(raw))
    }

    fn accepts(_type: &Type) -> bool {
        true
    }
}

struct Decoded<'a>(CellRef<'a>);

impl<'a> FromSql<'a> for Decoded<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(match *kind {
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => CellRef::Text(raw),
            // A byte for the version comes first.
            Type::JSONB => raw.get(1..).map_or(CellRef::Unreadable(BYTES), CellRef::Text),
            Type::BOOL => CellRef::Boolean(bool::from_sql(kind, raw)?),
            Type::INT2 => CellRef::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => CellRef::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => CellRef::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => CellRef::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => CellRef::Real(f64::from_sql(kind, raw)?),
            Type::NUMERIC => numeric(raw).map_or(CellRef::Unreadable(BYTES), CellRef::Real),
            Type::TIMESTAMPTZ | Type::TIMESTAMP => match raw.try_into().map(i64::from_be_bytes) {
                // Past and future without end.
                Ok(i64::MIN | i64::MAX) | Err(_) => CellRef::Unreadable("not a date"),
                Ok(micros) => CellRef::Date(Timestamp::from_millis(micros.div_euclid(1000) + EPOCH)),
            },
            Type::DATE => match raw.try_into().map(i32::from_be_bytes) {
                Ok(i32::MIN | i32::MAX) | Err(_) => CellRef::Unreadable("not a date"),
                Ok(days) => CellRef::Date(Timestamp::from_millis(i64::from(days) * 86_400_000 + EPOCH)),
            },
            _ if matches!(kind.kind(), Kind::Enum(_)) || kind.name() == "citext" => CellRef::Text(raw),
            _ => CellRef::Unreadable("of a type that this store does not know"),
        }))
    }

    fn accepts(_type: &Type) -> bool {
        true
    }
}

/// 2000-01-01, where Postgres begins to count, in milliseconds since 1970.
const EPOCH: i64 = 946_684_800_000;

/// A decimal number as the nearest JavaScript one.
fn numeric(raw: &[u8]) -> Option<f64> {
    let mut words = raw.chunks_exact(2).map(|word| Some(u16::from_be_bytes(word.try_into().ok()?)));
    let mut next = || words.next().flatten();
    let (digits, weight, sign, _scale) = (next()?, next()?, next()?, next()?);
    let sign = match sign {
        0 => 1.0,
        0x4000 => -1.0,
        _ => return None,
    };
    let weight = i32::from(weight.cast_signed());
    let mut text = String::new();
    for _ in 0..digits {
        // Four decimal digits each.
        text.push_str(&format!("{:04}", next()?));
    }
    let exponent = (weight + 1 - i32::from(digits)) * 4;
    let magnitude: f64 = if text.is_empty() { 0.0 } else { format!("{text}e{exponent}").parse().ok()? };
    Some(sign * magnitude)
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
