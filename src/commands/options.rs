//! Options in name/value pairs, as every method takes them.
//!
//! All leading dashes of a name are optional, names are exact, and the last of several equal ones
//! counts. Values are checked in the order in which a method declares its options, then unknown
//! names are reported, so that a call with several faults always reports the same one.

use super::advice;
use crate::tcl::{Error, Obj, Result};

/// What values an option takes; the name of a kind appears in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Str,
    /// Anything but the empty string.
    ValidStr,
    /// A boolean word.
    Bool,
    /// Milliseconds, 0 or more.
    Timeout,
    /// An integer, 0 or more.
    PosInt,
    /// An integer.
    Int,
    /// A dict.
    Dict,
}

/// An option: its name without dashes, and its kind.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub kind: Kind,
}

pub const fn spec(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind }
}

/// What stands before a secret in a dict of options or in the text of a file.
const SECRET_MARKS: [&str; 2] = ["password", "PRIVATE KEY"];

/// The checked values of a call, in the order of the declaration.
pub struct Values {
    specs: &'static [Spec],
    values: Vec<Option<Obj>>,
}

/// Reads the pairs in `words`.
pub fn parse(words: &[Obj], specs: &'static [Spec]) -> Result<Values> {
    let position = |name: &str| specs.iter().position(|spec| spec.name == name);
    let (mut values, unknown) = collect(words, specs.len(), position)?;
    for (spec, value) in specs.iter().zip(&mut values) {
        if let Some(given) = value {
            *given = spec.check(given)?;
        }
    }
    match unknown {
        Some(name) => Err(advice::unknown_option(&name, specs.iter().map(|spec| spec.name))),
        None => Ok(Values { specs, values }),
    }
}

/// The last values of `count` options, which `position` finds by their names, and the first name
/// that it does not know.
///
/// # Errors
/// The last option has no value.
pub fn collect(
    words: &[Obj],
    count: usize,
    position: impl Fn(&str) -> Option<usize>,
) -> Result<(Vec<Option<Obj>>, Option<String>)> {
    if !words.len().is_multiple_of(2) {
        let last = words
            .last()
            .map(|word| word.to_text().into_owned())
            .unwrap_or_default();
        return Err(invalid(format!("Missing value for option {last}")));
    }
    let mut values = vec![None; count];
    let mut unknown = None;
    for pair in words.chunks_exact(2) {
        let word = pair[0].to_text();
        let name = option_name(&word);
        match position(name) {
            Some(index) => values[index] = Some(pair[1].clone()),
            None => unknown = unknown.or_else(|| Some(name.to_owned())),
        }
    }
    Ok((values, unknown))
}

/// Whether the pairs in `words` name the option, for methods in which it changes what others mean.
pub fn gives(words: &[Obj], name: &str) -> bool {
    words
        .iter()
        .step_by(2)
        .any(|word| option_name(&word.to_text()) == name)
}

fn option_name(word: &str) -> &str {
    word.trim_start_matches('-')
}

pub fn invalid(message: impl Into<String>) -> Error {
    Error::nats("ErrInvalidArg", message)
}

/// The complaint about the value of an option.
pub fn invalid_value(kind: &str, name: &str, value: &str) -> Error {
    invalid(value_complaint(kind, name, value))
}

fn value_complaint(kind: &str, name: &str, value: &str) -> String {
    format!("Invalid value for the {kind} option {name} : {}", shown(value))
}

impl Spec {
    /// The value as it is kept, or the complaint about it.
    pub fn check(&self, value: &Obj) -> Result<Obj> {
        let valid = match self.kind {
            Kind::Str => true,
            Kind::ValidStr => !value.is_empty(),
            Kind::Timeout | Kind::PosInt => to_count(value).is_some(),
            Kind::Int => to_integer(value).is_some(),
            Kind::Dict => value.is_dict(),
            Kind::Bool => {
                if let Some(truth) = to_bool(&value.to_text()) {
                    return Ok(Obj::text(if truth { "true" } else { "false" }));
                }
                false
            }
        };
        if valid {
            return Ok(value.clone());
        }
        let text = value.to_text();
        let kind = match self.kind {
            Kind::Str => "str",
            Kind::ValidStr => "valid_str",
            Kind::Bool => "bool",
            Kind::Timeout => "timeout",
            Kind::PosInt => "pos_int",
            Kind::Int => "int",
            Kind::Dict => "dict",
        };
        if self.kind == Kind::Timeout {
            return Err(Error::nats(
                "ErrBadTimeout",
                value_complaint(kind, self.name, &text),
            ));
        }
        Err(invalid_value(kind, self.name, &text))
    }
}

/// A wrong value as a message shows it: not if the fault stands beside a secret.
fn shown(text: &str) -> &str {
    if SECRET_MARKS.iter().any(|mark| text.contains(mark)) {
        "(not shown: there is a secret in it)"
    } else {
        text
    }
}

impl Values {
    /// The value of an option, if it was given.
    ///
    /// # Panics
    /// When the method does not declare the option.
    pub fn get(&self, name: &str) -> Option<&Obj> {
        let index = self.specs.iter().position(|spec| spec.name == name);
        self.values[index.expect("a method asks for its own options")].as_ref()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_text().into_owned())
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).map(is_true)
    }

    /// A `Timeout` or `PosInt`; what does not fit counts as the largest number that does.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(to_count)
    }

    /// All values that were given, with their options' names.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Obj)> {
        let pairs = self.specs.iter().zip(&self.values);
        pairs.filter_map(|(spec, value)| value.as_ref().map(|value| (spec.name, value)))
    }
}

/// The truth of a checked boolean.
pub fn is_true(value: &Obj) -> bool {
    value.modified_utf8() == b"true"
}

/// The strict boolean words of Tcl: `0 1 true false yes no on off`, any case, unique beginnings.
fn to_bool(text: &str) -> Option<bool> {
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "1" | "on" => return Some(true),
        "0" | "of" | "off" => return Some(false),
        "" => return None,
        _ => {}
    }
    let begins = |of: &str| of.starts_with(word.as_str());
    if begins("true") || begins("yes") {
        Some(true)
    } else if begins("false") || begins("no") {
        Some(false)
    } else {
        None
    }
}

/// An integer of 0 or more, of any radix and size.
pub fn to_count(value: &Obj) -> Option<u64> {
    let negative = value.to_text().trim_start().starts_with('-');
    match value.to_int() {
        Some(number) if !negative => Some(u64::try_from(number).unwrap_or(u64::MAX)),
        Some(number) => u64::try_from(number).ok(),
        None => (!negative && value.is_integer()).then_some(u64::MAX),
    }
}

/// An integer of any radix; what does not fit counts as the nearest number that does.
pub fn to_integer(value: &Obj) -> Option<i64> {
    let negative = value.to_text().trim_start().starts_with('-');
    match to_count(value) {
        Some(count) => Some(i64::try_from(count).unwrap_or(i64::MAX)),
        None => value
            .to_int()
            .or_else(|| (negative && value.is_integer()).then_some(i64::MIN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boolean_words_are_strict() {
        for word in ["1", "true", "TRUE", "t", "Y", "yes", "on"] {
            assert_eq!(to_bool(word), Some(true), "{word}");
        }
        for word in ["0", "false", "f", "No", "n", "off", "OF"] {
            assert_eq!(to_bool(word), Some(false), "{word}");
        }
        for word in ["", "2", "-1", "o", " true", "true ", "truely", "00"] {
            assert_eq!(to_bool(word), None, "{word}");
        }
    }
}
