//! Errors on their way to a script: a message and an error code.

use std::borrow::Cow;

use super::interp::Interp;
use super::obj::Obj;
use super::sys::{self, api};

/// What a command or method fails with.
#[derive(Clone)]
pub enum Error {
    /// A message with the error code `NATS <code>`.
    Nats { code: &'static str, message: String },
    /// A message with an error code of Tcl's own families.
    Tcl { code: Vec<String>, message: String },
    /// An error that Tcl raised: its return options, so that code and trace survive.
    Raised { options: Obj, message: Obj },
    /// An error with a line for people that stands in the trace, below the message.
    Advised { error: Box<Error>, advice: String },
}

pub type Result<T = ()> = std::result::Result<T, Error>;

/// The last line of a trace that leads to us.
pub(super) const PLACE: &str = "\n    (callback of package nats)";
/// How a frame of a trace begins, which then shows its command.
const FRAMES: [&str; 2] = ["\n    while executing\n", "\n    invoked from within\n"];
/// Tcl cuts long commands off, so a value is known by its beginning.
const KNOWN_BY: usize = 16;

impl Error {
    pub fn nats(code: &'static str, message: impl Into<String>) -> Error {
        Error::Nats {
            code,
            message: message.into(),
        }
    }

    pub fn tcl<const N: usize>(code: [&str; N], message: impl Into<String>) -> Error {
        Error::Tcl {
            code: code.map(str::to_owned).to_vec(),
            message: message.into(),
        }
    }

    /// The same error with what can be done about it. Messages are matched by scripts, so it goes
    /// where only people look: into the trace, which a shell shows for an error nobody catches.
    pub fn advised(self, advice: impl Into<String>) -> Error {
        Error::Advised {
            error: Box::new(self),
            advice: advice.into(),
        }
    }

    /// The same error with one more entry in its return options, beside the error code.
    pub fn with_option(self, name: &str, value: &str) -> Error {
        let (code, message) = match self {
            Error::Advised { error, advice } => return error.with_option(name, value).advised(advice),
            Error::Nats { code, message } => (vec![Obj::text("NATS"), Obj::text(code)], message),
            Error::Tcl { code, message } => (code.iter().map(|word| Obj::text(word)).collect(), message),
            raised @ Error::Raised { .. } => return raised,
        };
        let options = [
            ("-code", Obj::int(1)),
            ("-level", Obj::int(0)),
            ("-errorcode", Obj::list(&code)),
            (name, Obj::text(value)),
        ];
        Error::Raised {
            options: Obj::record(&options),
            message: Obj::text(&message),
        }
    }

    /// The error that the interpreter holds after a call of the API failed.
    pub fn from_interp(interp: &Interp) -> Error {
        // SAFETY: both calls return live values; the first leaves the result as it is.
        unsafe {
            let options = Obj::from_raw((api().get_return_options)(interp.raw(), sys::TCL_ERROR));
            let message = Obj::from_raw((api().get_obj_result)(interp.raw()));
            Error::Raised { options, message }
        }
    }

    /// The same error without the part of its trace that shows the value, which may hold a secret:
    /// the frames from there on go, as does the stack, which holds values instead of source.
    pub(super) fn without_trace_of(self, interp: &Interp, value: &Obj) -> Error {
        let Error::Raised { options, message } = self else {
            return self;
        };
        let Ok(mut pairs) = options.pairs(interp) else {
            return Error::Raised { options, message };
        };
        for (name, entry) in &mut pairs {
            match name.modified_utf8() {
                b"-errorinfo" => {
                    let trace = entry.to_text();
                    let kept = trace_before(&trace, message.to_text().len(), &value.to_text());
                    let shown = format!("{kept}{PLACE}");
                    drop(trace);
                    *entry = Obj::text(&shown);
                }
                b"-errorstack" => *entry = Obj::empty(),
                _ => {}
            }
        }
        Error::Raised {
            options: Obj::dict(pairs.iter().map(|(name, entry)| (name, entry.clone()))),
            message,
        }
    }

    /// What went wrong, without its code.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Error::Nats { message, .. } | Error::Tcl { message, .. } => Cow::Borrowed(message),
            Error::Raised { message, .. } => message.to_text(),
            Error::Advised { error, .. } => error.message(),
        }
    }

    /// Leaves the error in the interpreter and returns `TCL_ERROR`.
    pub(super) fn leave(self, interp: &Interp) -> std::ffi::c_int {
        let (code, message) = match self {
            Error::Advised { error, advice } => {
                let status = error.leave(interp);
                let line = Obj::text(&format!("\n    ({advice})"));
                // SAFETY: a live value, of which Tcl copies the text.
                unsafe { (api().append_obj_to_error_info)(interp.raw(), line.raw()) };
                return status;
            }
            Error::Nats { code, message } => (vec!["NATS".to_owned(), code.to_owned()], message),
            Error::Tcl { code, message } => (code, message),
            Error::Raised { options, message } => {
                // SAFETY: live values; `set_return_options` takes what `from_interp` got.
                return unsafe {
                    (api().set_obj_result)(interp.raw(), message.raw());
                    (api().set_return_options)(interp.raw(), options.raw())
                };
            }
        };
        let words: Vec<Obj> = code.iter().map(|word| Obj::text(word)).collect();
        let (code, message) = (Obj::list(&words), Obj::text(&message));
        // SAFETY: live values of which Tcl takes its own references.
        unsafe {
            (api().set_obj_result)(interp.raw(), message.raw());
            (api().set_obj_error_code)(interp.raw(), code.raw());
        }
        sys::TCL_ERROR
    }
}

/// The trace, which begins with a message of that length, up to the frame in which the value shows.
fn trace_before<'a>(trace: &'a str, message: usize, value: &str) -> &'a str {
    let beginning = value
        .char_indices()
        .nth(KNOWN_BY)
        .map_or(value, |(end, _)| &value[..end]);
    let frames = trace.get(message..).unwrap_or_default();
    let Some(shows) = frames.find(beginning) else {
        return trace;
    };
    let frame = FRAMES
        .iter()
        .filter_map(|begin| frames[..shows].rfind(begin))
        .max();
    &trace[..message + frame.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_ends_before_the_frame_that_shows_the_value() {
        let inner = "oops\n    while executing\n\"error oops\"\n    (procedure \"p\" line 1)";
        let outer = "\n    invoked from within\n\"p {host h user u password s}\"\n    (\"eval\" body)";
        let trace = format!("{inner}{outer}");
        assert_eq!(trace_before(&trace, 4, "host h user u password s"), inner);
        assert_eq!(trace_before(&trace, 4, "nothing of it"), trace);
        assert_eq!(trace_before(&trace, 4, "error"), "oops");
        assert_eq!(trace_before("oops", 9, "s"), "oops");
    }
}
