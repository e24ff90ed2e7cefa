//! JSON, byte for byte as JavaScript's `JSON.stringify` writes it.
//!
//! The npm package signs such texts, reads them, and signs what it read anew to compare (CONTRACT §5.1), and its drivers put them into columns of
//! texts. So both have to write the same: keys that are array indices come first and in order, numbers are doubles.

use serde_json::{Map, Number, Value};

/// The largest whole number up to which all are doubles.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Writes a value.
pub fn stringify(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(object) => write_object(object, text),
    }
}

fn write_object(object: &Map<String, Value>, text: &mut String) {
    let mut entries: Vec<(&String, &Value)> = object.iter().collect();
    // The sort keeps the order of what is equal: of all keys that are no indices.
    entries.sort_by_key(|(key, _)| array_index(key).map_or(u64::MAX, u64::from));
    text.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        write_string(key, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

/// ECMAScript's "array index": a whole number below 2³² − 1 in its usual form.
fn array_index(key: &str) -> Option<u32> {
    let is_usual = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|index| is_usual && *index != u32::MAX)
}

fn write_number(number: &Number, text: &mut String) {
    match number.as_f64() {
        _ if number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= MAX_SAFE_INTEGER) => {
            text.push_str(&number.to_string());
        }
        Some(double) if double.is_finite() => text.push_str(ryu_js::Buffer::new().format_finite(double)),
        _ => text.push_str("null"),
    }
}

/// `serde_json` escapes what JavaScript escapes, in the same way; text in Rust has no lone surrogates.
fn write_string(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_doubles_in_their_shortest_form() {
        // Each text was written by Node.
        for (number, text) in [
            (json!(0), "0"),
            (json!(-0.0), "0"),
            (json!(1.0), "1"),
            (json!(-7), "-7"),
            (json!(0.1), "0.1"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (json!(1.5e300), "1.5e+300"),
            (json!(1e-6), "0.000001"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(5e-324), "5e-324"),
            (json!(1.797_693_134_862_315_7e308), "1.7976931348623157e+308"),
            (json!(9_007_199_254_740_991_i64), "9007199254740991"),
            (json!(9_007_199_254_740_993_i64), "9007199254740992"),
            (json!(i64::MIN), "-9223372036854776000"),
            (json!(u64::MAX), "18446744073709552000"),
            (json!(123_456_789.123), "123456789.123"),
        ] {
            assert_eq!(stringify(&number), text);
        }
    }

    #[test]
    fn texts_are_escaped_where_they_must_be_and_nowhere_else() {
        let odd = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\"\\/\u{7f}\u{80}\u{2028}\u{2029}\u{feff}ä\u{1f600}";
        let text = "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\u{7f}\u{80}\u{2028}\u{2029}\u{feff}ä\u{1f600}\"";
        assert_eq!(stringify(&json!(odd)), text);
    }

    #[test]
    fn keys_that_are_array_indices_come_first() {
        let object = json!({"b": [null, true, {}], "10": 1, "a": 2, "9": 3, "01": 4, "4294967295": 5, "-1": 6, "": 7});
        let text = r#"{"9":3,"10":1,"b":[null,true,{}],"a":2,"01":4,"4294967295":5,"-1":6,"":7}"#;
        assert_eq!(stringify(&object), text);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(text in ".{0,40}", number: f64) {
            let value = json!({"text": text, "number": number, "list": [text, number]});
            let read: Value = serde_json::from_str(&stringify(&value)).unwrap();
            proptest::prop_assert_eq!(&read["text"], &value["text"]);
            proptest::prop_assert_eq!(read["number"].as_f64(), value["number"].as_f64());
        }
    }
}
