//! What goes wrong with an object that works in the background: its variable `last_error`, and a
//! warning in the log.

use std::cell::RefCell;
use std::rc::Rc;

use crate::client::event::LogLevel;
use crate::commands::connection::Connection;
use crate::tcl::class::Birth;
use crate::tcl::{Interp, Obj, Work};

/// The last fault of one object.
pub struct Reports {
    interp: Interp,
    connection: Rc<Connection>,
    /// The variable's full name.
    variable: Obj,
    /// How the log calls the object.
    who: String,
    last: RefCell<Obj>,
}

impl Reports {
    /// `kind` says in the log what the object is.
    pub fn new(birth: &Birth, connection: &Rc<Connection>, kind: &str) -> Reports {
        Reports {
            interp: birth.interp.clone(),
            connection: connection.clone(),
            variable: Obj::text(&format!("{}::last_error", birth.namespace)),
            who: format!("{kind} {}", birth.name),
            last: RefCell::new(Obj::empty()),
        }
    }

    /// Makes the variable.
    pub fn begin(&self) -> Work {
        self.write(Obj::empty())
    }

    /// Tells of a fault; `code` comes without `NATS`.
    pub fn warn(&self, code: &str, text: &str) -> Work {
        let line = self.line(LogLevel::Warn, text);
        Work::Many(std::iter::once(self.keep(code, text)).chain(line).collect())
    }

    /// The same without a line in the log.
    pub fn keep(&self, code: &str, text: &str) -> Work {
        self.write(Obj::record(&[
            ("code", Obj::list(&[Obj::text("NATS"), Obj::text(code)])),
            ("errorMessage", Obj::text(text)),
        ]))
    }

    /// A line about the object.
    pub fn line(&self, level: LogLevel, text: &str) -> Option<Work> {
        self.connection.log(level, &format!("{}: {text}", self.who))
    }

    /// What the variable holds, unless a script has written it.
    pub fn last(&self) -> Obj {
        self.last.borrow().clone()
    }

    fn write(&self, value: Obj) -> Work {
        self.last.replace(value.clone());
        Work::Set {
            interp: self.interp.clone(),
            name: self.variable.clone(),
            element: None,
            value,
        }
    }
}
