//! Objects that live no longer than another: its children.

use std::cell::RefCell;
use std::rc::Rc;

use crate::tcl::{Interp, Obj, Work};

/// The children of one object, which know their way back and leave by themselves.
pub struct Children {
    interp: Interp,
    /// By namespace, which neither renaming nor reuse of a name can take from an object.
    namespaces: RefCell<Vec<String>>,
}

impl Children {
    pub fn new(interp: &Interp) -> Rc<Children> {
        Rc::new(Children {
            interp: interp.clone(),
            namespaces: RefCell::default(),
        })
    }

    /// Registers the object with this namespace.
    pub fn adopt(&self, namespace: &str) {
        self.namespaces.borrow_mut().push(namespace.to_owned());
    }

    /// Forgets the object with this namespace, if it is registered.
    pub fn release(&self, namespace: &str) {
        self.namespaces.borrow_mut().retain(|child| child != namespace);
    }

    pub fn is_empty(&self) -> bool {
        self.namespaces.borrow().is_empty()
    }

    /// Destroys the children that live when it is their turn, in the order of their creation.
    pub fn destroy(self: &Rc<Children>) -> Work {
        let children = self.clone();
        let find = move || {
            let namespaces = children.namespaces.borrow().clone();
            let steps = namespaces.into_iter().map(|child| children.destroy_one(child));
            Work::Many(steps.collect())
        };
        self.later(find)
    }

    fn destroy_one(self: &Rc<Children>, namespace: String) -> Work {
        let children = self.clone();
        let find = move || {
            // The end of another child may have taken this one along.
            if !children.namespaces.borrow().contains(&namespace) {
                return Work::none();
            }
            Work::Call {
                interp: children.interp.clone(),
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
