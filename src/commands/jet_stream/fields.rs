//! The rows of option tables. One row serves four uses: reading an option, writing it as JSON,
//! converting it in replies, and documenting it.
//!
//! A configuration is a table of [`Field`]s. JSON names equal option names, and JSON has the order
//! of the table. Times are milliseconds in scripts and nanoseconds in JSON.
//!
//! Objects within a configuration (a `mirror`, say) can be given in two forms. Text that begins
//! with `{` is JSON and goes out as it is, nanoseconds included. Anything else that is a dict has
//! the form in which replies come: its fields have a table of their own, so that what `stream_info`
//! returned can be sent back. No dict of ours begins with a brace, because the names of fields
//! are plain words.

use serde_json::{Map, Value};

use crate::commands::advice;
use crate::commands::json;
use crate::commands::options::{self, Spec, collect, invalid, invalid_value, to_count};
use crate::tcl::{Interp, Obj, Result};

/// One option, and the field of the same name in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    /// The value of an option that is not given.
    pub default: Option<&'static str>,
    pub required: bool,
    /// The first server version that knows it; empty if all do that JetStream has.
    pub since: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
}

/// What values a field takes, and what they are in JSON.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text: a string.
    Str,
    /// Any text but the empty one: a string.
    ValidStr,
    /// An integer of any radix: a decimal number.
    Int,
    /// The same, 0 or more.
    PosInt,
    /// A boolean word: `true` or `false`.
    Bool,
    /// Milliseconds, which may have a fraction: a number of nanoseconds.
    Duration,
    /// A list of such: an array.
    Durations,
    /// One of these words: a string.
    Enum(&'static [&'static str]),
    /// A list with an element or more: an array of strings.
    List,
    /// A dict with a key or more: an object of strings.
    Metadata,
    /// JSON text or a dict of these fields: an object.
    Object(&'static [Field]),
    /// A list of such, with an element or more: an array.
    Objects(&'static [Field]),
}

/// How options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Unknown options are errors.
    Strict,
    /// Unknown options are ignored, and the word `null` means that an option is not given: what a
    /// server replied can be given as options.
    Lenient,
}

pub const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        default: None,
        required: false,
        since: "",
        about,
    }
}

impl Field {
    pub const fn or(self, default: &'static str) -> Field {
        Field {
            default: Some(default),
            ..self
        }
    }

    pub const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }

    pub const fn since(self, version: &'static str) -> Field {
        Field {
            since: version,
            ..self
        }
    }

    /// The type as messages and documentation name it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Str => "str",
            Kind::ValidStr => "valid_str",
            Kind::Int => "int",
            Kind::PosInt => "pos_int",
            Kind::Bool => "bool",
            Kind::Duration => "ns",
            Kind::Durations => "ns_list",
            Kind::Enum(_) => "enum",
            Kind::List => "list",
            Kind::Metadata => "metadata",
            Kind::Object(_) => "json",
            Kind::Objects(_) => "json_list",
        }
    }
}

/// The options of a call: a value or none for each row of the table.
pub struct Given {
    fields: &'static [Field],
    values: Vec<Option<Obj>>,
}

/// Reads pairs of options and values. `forced` are options that come from the method's other
/// arguments and count as the last ones given.
///
/// Strictly read, plain values are checked here; the rest is when they become JSON.
pub fn parse(
    words: &[Obj],
    forced: &[(&str, &Obj)],
    fields: &'static [Field],
    rules: Rules,
) -> Result<Given> {
    let position = |name: &str| fields.iter().position(|field| field.name == name);
    let (mut values, unknown) = collect(words, fields.len(), position)?;
    for (name, value) in forced {
        if let Some(index) = position(name) {
            values[index] = Some((*value).clone());
        }
    }
    if rules == Rules::Lenient {
        let is_null = |value: &Obj| value.modified_utf8() == b"null";
        values
            .iter_mut()
            .for_each(|value| drop(value.take_if(|value| is_null(value))));
        return Ok(Given { fields, values });
    }
    for (field, value) in fields.iter().zip(&mut values) {
        if let (Some(value), Some(spec)) = (value, field.spec()) {
            *value = spec.check(value)?;
        }
    }
    match unknown {
        Some(name) => Err(advice::unknown_option(
            &name,
            fields.iter().map(|field| field.name),
        )),
        None => Ok(Given { fields, values }),
    }
}

impl Given {
    pub fn get(&self, name: &str) -> Option<&Obj> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        self.values[index].as_ref()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_text().into_owned())
    }

    /// Removes an option and returns its value.
    pub fn take(&mut self, name: &str) -> Option<Obj> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        self.values[index].take()
    }

    pub fn set(&mut self, name: &str, value: Obj) {
        if let Some(index) = self.fields.iter().position(|field| field.name == name) {
            self.values[index] = Some(value);
        }
    }

    /// The JSON object; empty, not `{}`, if it has no fields.
    ///
    /// # Errors
    /// A value does not fit its type, or a required option is missing.
    pub fn json(&self, interp: &Interp) -> Result<String> {
        let mut pairs = Vec::new();
        for (field, value) in self.fields.iter().zip(&self.values) {
            let json = match (value, field.default) {
                (Some(value), _) => field.json(interp, value)?,
                (None, Some(default)) => field.json(interp, &Obj::text(default))?,
                (None, None) if field.required => {
                    return Err(invalid(format!("Option {} is required", field.name)));
                }
                (None, None) => continue,
            };
            pairs.push((field.name, json));
        }
        Ok(if pairs.is_empty() {
            String::new()
        } else {
            json::object(pairs)
        })
    }
}

/// Converts the fields of a configuration in a reply: durations become milliseconds. What no row
/// describes stays as it is.
pub fn convert_reply(config: &mut Map<String, Value>, fields: &[Field]) {
    for field in fields {
        let Some(value) = config.get_mut(field.name) else {
            continue;
        };
        match (field.kind, value) {
            (Kind::Duration, value) => to_milliseconds(value),
            (Kind::Durations, Value::Array(elements)) => elements.iter_mut().for_each(to_milliseconds),
            (Kind::Object(fields), Value::Object(object)) => convert_reply(object, fields),
            (Kind::Objects(fields), Value::Array(elements)) => {
                let objects = elements.iter_mut().filter_map(Value::as_object_mut);
                objects.for_each(|object| convert_reply(object, fields));
            }
            _ => {}
        }
    }
}

/// Turns positive nanoseconds into milliseconds; 0 and negative numbers have a meaning of their
/// own and stay.
pub fn to_milliseconds(value: &mut Value) {
    if let Some(nanoseconds) = value.as_i64().filter(|&nanoseconds| nanoseconds > 0) {
        *value = (nanoseconds / NANOSECONDS).into();
    }
}

/// In a millisecond.
const NANOSECONDS: i64 = 1_000_000;

impl Field {
    /// The check that a plain value passes when options are read.
    fn spec(&self) -> Option<Spec> {
        let kind = match self.kind {
            Kind::ValidStr => options::Kind::ValidStr,
            Kind::PosInt => options::Kind::PosInt,
            Kind::Bool => options::Kind::Bool,
            _ => return None,
        };
        Some(options::spec(self.name, kind))
    }

    fn json(&self, interp: &Interp, value: &Obj) -> Result<String> {
        let value = &match self.spec() {
            Some(spec) => spec.check(value)?,
            None => value.clone(),
        };
        let text = value.to_text();
        let json = match self.kind {
            Kind::Str | Kind::ValidStr => Some(json::string(&text)),
            Kind::Bool => Some(text.clone().into_owned()),
            Kind::Int => value.to_decimal(),
            Kind::PosInt => to_count(value).and_then(|_| value.to_decimal()),
            Kind::Duration => nanoseconds(value),
            Kind::Durations => array_of(interp, value, nanoseconds),
            Kind::Enum(words) if words.contains(&&*text) => Some(json::string(&text)),
            Kind::Enum(words) => {
                return Err(invalid(format!(
                    "Invalid value for the enum {} : {text}; allowed values: {}",
                    self.name,
                    words.join(" ")
                )));
            }
            Kind::List => array_of(interp, value, |element| Some(json::string(&element.to_text()))),
            Kind::Metadata => object_of_strings(interp, value),
            Kind::Object(fields) => Some(object(interp, value, fields)?),
            Kind::Objects(fields) => match value.elements(interp).unwrap_or_default().as_slice() {
                [] => None,
                elements => {
                    let elements = elements.iter().map(|element| object(interp, element, fields));
                    Some(json::array(&elements.collect::<Result<Vec<_>>>()?))
                }
            },
        };
        json.ok_or_else(|| invalid_value(self.type_name(), self.name, &text))
    }
}

/// A list with an element or more as an array.
fn array_of(interp: &Interp, list: &Obj, json: impl Fn(&Obj) -> Option<String>) -> Option<String> {
    let elements = list
        .elements(interp)
        .ok()
        .filter(|elements| !elements.is_empty())?;
    let elements: Option<Vec<String>> = elements.iter().map(json).collect();
    Some(json::array(&elements?))
}

fn object_of_strings(interp: &Interp, dict: &Obj) -> Option<String> {
    let pairs = dict.pairs(interp).ok().filter(|pairs| !pairs.is_empty())?;
    let texts = pairs
        .iter()
        .map(|(key, value)| (key.to_text(), json::string(&value.to_text())));
    let texts: Vec<_> = texts.collect();
    Some(json::object(
        texts.iter().map(|(key, value)| (&**key, value.clone())),
    ))
}

/// An object in one of its two forms. Text that is neither goes out as it is, for the server to
/// judge.
fn object(interp: &Interp, value: &Obj, fields: &[Field]) -> Result<String> {
    let text = value.to_text();
    if text.trim_start().starts_with('{') || !value.is_dict() {
        return Ok(text.into_owned());
    }
    let mut rest = value.pairs(interp)?;
    rest.retain(|(_, value)| value.modified_utf8() != b"null");
    let mut members = Vec::new();
    for field in fields {
        let at = rest
            .iter()
            .position(|(key, _)| key.modified_utf8() == field.name.as_bytes());
        if let Some(at) = at {
            let (_, value) = rest.remove(at);
            members.push((field.name.to_owned(), field.json(interp, &value)?));
        }
    }
    // Fields of a newer server.
    let unknown = rest.iter().map(|(key, value)| {
        let json = json::guess(&value.to_text());
        (key.to_text().into_owned(), json)
    });
    members.extend(unknown);
    Ok(json::object(
        members.iter().map(|(name, value)| (name.as_str(), value.clone())),
    ))
}

/// Milliseconds, with or without a fraction, as nanoseconds; `None` if that is more than fits
/// into 64 bits, as the server counts.
fn nanoseconds(value: &Obj) -> Option<String> {
    if value.is_integer() {
        let milliseconds: i64 = value.to_decimal()?.parse().ok()?;
        return Some(milliseconds.checked_mul(NANOSECONDS)?.to_string());
    }
    let text = value.to_text();
    let text = text.trim();
    // "inf" and "nan" are numbers to Rust.
    if text.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')) {
        return None;
    }
    let product = text.parse::<f64>().ok()? * NANOSECONDS as f64;
    let limits = i64::MIN as f64..i64::MAX as f64;
    limits.contains(&product).then(|| (product as i64).to_string())
}
