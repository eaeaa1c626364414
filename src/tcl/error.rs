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
}

pub type Result<T = ()> = std::result::Result<T, Error>;

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

    /// The same error with one more entry in its return options, beside the error code.
    pub fn with_option(self, name: &str, value: &str) -> Error {
        let (code, message) = match self {
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

    /// What went wrong, without its code.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Error::Nats { message, .. } | Error::Tcl { message, .. } => Cow::Borrowed(message),
            Error::Raised { message, .. } => message.to_text(),
        }
    }

    /// Leaves the error in the interpreter and returns `TCL_ERROR`.
    pub(super) fn leave(self, interp: &Interp) -> std::ffi::c_int {
        let (code, message) = match self {
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
