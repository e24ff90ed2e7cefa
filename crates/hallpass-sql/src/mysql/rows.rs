//! Rows as the driver has them.

use hallpass_store::{StoreError, Timestamp};
use mysql_async::{Row, Value, consts::ColumnType};

use crate::{
    decode::{CellRef, Cells},
    dialect::Cell,
};

/// A row as the driver has it.
pub(super) struct MysqlRow(pub(super) Row);

impl Cells for MysqlRow {
    type Error = StoreError;

    fn cell(&self, index: usize) -> Result<CellRef<'_>, StoreError> {
        let Some(value) = self.0.as_ref(index) else { return Ok(CellRef::Unreadable("no such column")) };
        Ok(match value {
            Value::NULL => CellRef::Null,
            Value::Bytes(bytes) if self.is_decimal(index) => {
                let number = str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
                number.map_or(CellRef::Unreadable("not a number"), CellRef::Real)
            }
            Value::Bytes(bytes) => CellRef::Text(bytes),
            Value::Int(number) => CellRef::Integer(*number),
            #[expect(clippy::cast_precision_loss, reason = "a number that large is a JavaScript number")]
            Value::UInt(number) => i64::try_from(*number).map_or(CellRef::Real(*number as f64), CellRef::Integer),
            Value::Float(number) => CellRef::Real(f64::from(*number)),
            Value::Double(number) => CellRef::Real(*number),
            Value::Date(year, month, day, ..) if [*year, u16::from(*month), u16::from(*day)].contains(&0) => {
                CellRef::Unreadable("not a date")
            }
            Value::Date(year, month, day, hour, minute, second, micros) => {
                let days = days_before(i64::from(*year), i64::from(*month), i64::from(*day));
                let minutes = (days * 24 + i64::from(*hour)) * 60 + i64::from(*minute);
                let millis = (minutes * 60 + i64::from(*second)) * 1000 + i64::from(*micros / 1000);
                CellRef::Date(Timestamp::from_millis(millis))
            }
            Value::Time(..) => CellRef::Unreadable("a time of day"),
        })
    }
}

impl MysqlRow {
    fn is_decimal(&self, index: usize) -> bool {
        let kind = self.0.columns_ref().get(index).map(mysql_async::Column::column_type);
        matches!(kind, Some(ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL))
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the leap day comes last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let days_of_months = (153 * ((month + 9) % 12) + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_of_months + day - 1 - 719_468
}

/// A cell as the driver sends it.
pub(super) fn parameter(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::NULL,
        Cell::Text(text) => Value::Bytes(text.clone().into_bytes()),
        Cell::Boolean(flag) => Value::Int(i64::from(*flag)),
        Cell::Integer(number) => Value::Int(*number),
        Cell::Real(number) => Value::Double(*number),
    }
}
