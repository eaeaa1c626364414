//! JSON on its way from and to Tcl values.

use serde_json::Value;

use crate::tcl::Obj;

/// JSON as Tcl values: booleans and null as words, arrays as lists, objects as dicts, numbers and
/// strings verbatim.
pub fn to_tcl(value: &Value) -> Obj {
    match value {
        Value::Null => Obj::text("null"),
        Value::Bool(truth) => Obj::text(if *truth { "true" } else { "false" }),
        Value::Number(number) => Obj::text(&number.to_string()),
        Value::String(text) => Obj::text(text),
        Value::Array(elements) => Obj::list(&elements.iter().map(to_tcl).collect::<Vec<_>>()),
        Value::Object(fields) => dict(fields.iter().map(|(name, value)| (name.as_str(), value))),
    }
}

/// A dict of JSON values.
pub fn dict<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> Obj {
    let fields: Vec<(&str, Obj)> = fields.map(|(name, value)| (name, to_tcl(value))).collect();
    Obj::record(&fields)
}

/// A text as a JSON string.
pub fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A compact array of JSON texts.
pub fn array(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}

/// A compact object of names with JSON texts, in their order.
pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields = fields.into_iter();
    let pairs: Vec<String> = fields
        .map(|(name, value)| format!("{}:{value}", string(name)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

/// The JSON of a value whose type nobody knows: what looks like a number, `true`, `false` or
/// `null` is that, anything else a string.
pub fn guess(text: &str) -> String {
    match serde_json::from_str(text) {
        Ok(Value::Number(_) | Value::Bool(_) | Value::Null) => text.trim().to_owned(),
        _ => string(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_escape_what_they_must() {
        assert_eq!(
            string("a/b\"c\\d\n\u{1}\u{e9}"),
            "\"a/b\\\"c\\\\d\\n\\u0001\u{e9}\""
        );
    }

    #[test]
    fn objects_and_arrays_are_compact() {
        let list = array(&["1".to_owned(), string("x")]);
        assert_eq!(
            object([("a", list), ("b", object([]))]),
            r#"{"a":[1,"x"],"b":{}}"#
        );
    }

    #[test]
    fn guesses() {
        let cases = [
            ("1", "1"),
            ("-1.5e3", "-1.5e3"),
            (" true ", "true"),
            ("null", "null"),
            ("0x10", "\"0x10\""),
            ("", "\"\""),
            ("{}", "\"{}\""),
            ("a b", "\"a b\""),
        ];
        for (text, json) in cases {
            assert_eq!(guess(text), json);
        }
    }
}
