//! How much memory JSON from a server takes.

use serde_json::{Map, Value};

/// Bytes that an object takes once it is read, about: far more than its text if it holds many small
/// values. What is kept of a server's JSON is bounded by this.
pub fn json_memory(fields: &Map<String, Value>) -> usize {
    let fields = fields.iter();
    fields.map(|(name, value)| field_memory(name, value)).sum()
}

/// The same for one field of an object.
pub(super) fn field_memory(name: &str, value: &Value) -> usize {
    name.len() + of(value)
}

fn of(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(of).sum(),
        Value::Object(fields) => json_memory(fields),
    };
    size_of::<Value>() + inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_count_as_what_they_are() {
        let memory = |json: &str| json_memory(&serde_json::from_str(json).unwrap());
        let value = size_of::<Value>();
        assert_eq!(memory("{}"), 0);
        assert_eq!(memory(r#"{"a":null,"bc":12}"#), 2 * value + 5);
        assert_eq!(memory(r#"{"a":[true,"xyz",{"b":[]}]}"#), 5 * value + 5);
    }
}
