//! Moments in time, as text and as numbers.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::fmt::{StdFmtWrite, temporal::DateTimePrinter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in time, in whole milliseconds since 1970-01-01 UTC, as JavaScript's `Date` has it.
///
/// Written as ISO 8601 with milliseconds and `Z` (CONTRACT §3, §13.2), so that text order is time order.
///
/// ```
/// use std::time::Duration;
/// use hallpass_store::Timestamp;
/// let t: Timestamp = "2026-11-23T08:40:13.336Z".parse().unwrap();
/// assert_eq!((t + Duration::from_secs(1)).to_string(), "2026-11-23T08:40:14.336Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// As it is written, for the years that have four digits.
    pub(crate) fn canonical(self) -> Option<[u8; 24]> {
        canonical(self.0)
    }

    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this moment in milliseconds; negative when `earlier` lies after it.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<std::time::Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<std::time::Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        if let Some(text) = self.canonical() {
            return f.write_str(as_text(&text));
        }
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => PRINTER.print_timestamp(&moment, StdFmtWrite(f)).map_err(|_| fmt::Error),
            // Beyond the year 9999, where no text form orders like time; the number at least is not a lie.
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// A text that is no moment in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date")]
pub struct NotADate;

impl FromStr for Timestamp {
    type Err = NotADate;
    /// Reads ISO 8601, with an offset or (as databases write it) without one, then taken as UTC.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        if let Some(millis) = canonical_millis(text.as_bytes()) {
            return Ok(Self(millis));
        }
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment.as_millisecond()));
        }
        let civil: jiff::civil::DateTime = text.parse().map_err(|_| NotADate)?;
        let moment = jiff::tz::Offset::UTC.to_timestamp(civil).map_err(|_| NotADate)?;
        Ok(Self(moment.as_millisecond()))
    }
}

/// Reads exactly the form that is written, `2026-11-23T08:40:13.336Z`. Every session look-up reads five of them, and the general
/// reader would make it a twentieth slower.
fn canonical_millis(text: &[u8]) -> Option<i64> {
    #[rustfmt::skip]
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
        text
    else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits
            .iter()
            .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(**digit - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second, milli) =
        (number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?, number(&[f0, f1, f2])?);
    let plain = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !plain || (day > 28 && day > days_in(year, month)) {
        return None;
    }
    Some((((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Writes that form, for the years that have four digits. Every session that is answered has five dates of it and its user, on which the
/// general writer spent two fifths of the instructions that it took to write the whole answer.
fn canonical(millis: i64) -> Option<[u8; 24]> {
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = date_of(days);
    if !(0..=9999).contains(&year) {
        return None;
    }
    // One digit, and two.
    let digit = |number: i64| b'0' + u8::try_from(number).unwrap_or_default();
    let pair = |number: i64| [digit(number / 10), digit(number % 10)];
    let ([y0, y1], [y2, y3], [m0, m1], [d0, d1]) = (pair(year / 100), pair(year % 100), pair(month), pair(day));
    let (of_hour, milli) = (of_day / 60_000, of_day % 1000);
    let ([h0, h1], [i0, i1], [s0, s1]) = (pair(of_hour / 60), pair(of_hour % 60), pair(of_day / 1000 % 60));
    let (f0, [f1, f2]) = (digit(milli / 100), pair(milli % 100));
    #[rustfmt::skip]
    let text =
        [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1, b'.', f0, f1, f2, b'Z'];
    Some(text)
}

/// Digits and punctuation.
fn as_text(bytes: &[u8; 24]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The date so many days after 1970-01-01: what [`days_before`] counts, the other way round.
fn date_of(days: i64) -> (i64, i64, i64) {
    // Since the first of March of the year 0, in which the leap day comes last; then within 400 years, which are all alike.
    let days = days + 719_468;
    let (cycle, of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let years = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * years + years / 4 - years / 100);
    let since_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * since_march + 2) / 5 + 1;
    let month = if since_march < 10 { since_march + 3 } else { since_march - 9 };
    (cycle * 400 + years + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the leap day comes last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let days_of_months = (153 * ((month + 9) % 12) + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_of_months + day - 1 - 719_468
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.canonical() {
            Some(text) => serializer.serialize_str(as_text(&text)),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_with_milliseconds_and_read_in_the_forms_databases_use() {
        let written = Timestamp::from_millis(1_893_456_000_000).to_string();
        assert_eq!(written, "2030-01-01T00:00:00.000Z");
        for text in ["2030-01-01T00:00:00.000Z", "2030-01-01 00:00:00", "2030-01-01T01:00:00+01:00"] {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(1_893_456_000_000)), "{text}");
        }
        assert_eq!("yesterday".parse::<Timestamp>(), Err(NotADate));
    }

    #[test]
    fn the_short_ways_to_read_and_write_a_date_agree_with_the_long_ones() {
        let day = 86_400_000;
        for days in (-719_528_i64..2_932_896).step_by(7) {
            let moment = jiff::Timestamp::from_millisecond(days * day + (days * 7919).rem_euclid(day)).unwrap();
            let text = Timestamp(moment.as_millisecond()).to_string();
            assert_eq!(text, format!("{moment:.3}"));
            assert_eq!(canonical_millis(text.as_bytes()), Some(moment.as_millisecond()), "{text}");
        }
        for text in ["2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-01-00", "202a-01-01"] {
            let text = format!("{text}T00:00:00.000Z");
            assert_eq!(canonical_millis(text.as_bytes()), None, "{text}");
            assert_eq!(text.parse::<Timestamp>(), Err(NotADate), "{text}");
        }
        assert_eq!(canonical_millis(b"2024-02-29T24:00:00.000Z"), None);
    }

    #[test]
    fn years_of_more_than_four_digits_are_left_to_the_general_writer() {
        for (millis, text) in [
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_207_200_999, "9999-12-30T22:00:00.999Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (i64::MAX, "9223372036854775807"),
            (i64::MIN, "-9223372036854775808"),
        ] {
            assert_eq!(Timestamp(millis).to_string(), text);
            assert_eq!(serde_json::to_value(Timestamp(millis)).unwrap(), text);
        }
    }

    #[test]
    fn text_order_is_time_order() {
        let [earlier, later] = [999, 1000].map(|ms| Timestamp::from_millis(ms).to_string());
        assert!(earlier < later, "{earlier} {later}");
    }
}
