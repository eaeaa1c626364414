//! Objects that live no longer than their connection.

use std::rc::Rc;

use super::Connection;
use crate::tcl::{Call, Obj, Reply, Result, Work, class};

/// `releaseRef child`: the child will not be destroyed together with the connection.
pub fn release_ref(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [child] = call.args() else {
        return Err(call.wrong_args(c"child"));
    };
    connection.release(&class::namespace_of(call.interp, child)?);
    Ok(Reply::Empty)
}

impl Connection {
    /// Registers the object with this namespace, which neither renaming nor reuse of a name can
    /// take from it.
    pub fn adopt(&self, namespace: &str) {
        self.children.borrow_mut().push(namespace.to_owned());
    }

    /// Forgets the object with this namespace, if it is registered.
    pub fn release(&self, namespace: &str) {
        self.children.borrow_mut().retain(|child| child != namespace);
    }

    /// Destroys the children that live when it is their turn, in the order of their creation.
    pub(super) fn destroy_children(self: &Rc<Connection>) -> Work {
        let connection = self.clone();
        let find = move || {
            let children = connection.children.borrow().clone();
            let steps = children.into_iter().map(|child| connection.destroy_child(child));
            Work::Many(steps.collect())
        };
        self.later(find)
    }

    fn destroy_child(self: &Rc<Connection>, namespace: String) -> Work {
        let connection = self.clone();
        let find = move || {
            // The end of another child may have taken this one along.
            if !connection.children.borrow().contains(&namespace) {
                return Work::none();
            }
            Work::Call {
                interp: connection.interp.clone(),
                words: vec![Obj::text(&format!("{namespace}::my")), Obj::text("destroy")],
            }
        };
        self.later(find)
    }

    fn later(&self, find: impl FnOnce() -> Work + 'static) -> Work {
        Work::Later {
            interp: self.interp.clone(),
            find: Box::new(find),
        }
    }
}
