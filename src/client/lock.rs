//! Locks that outlive a panic: one of the life task ends that life and no more.
//!
//! Three locks of a life nest, always in this order: tables, writer, queue. The locks of
//! [`Settings`](super::settings::Settings) are leaves: whoever holds one takes no other. None is
//! held across an await or while events are delivered, but the gate's own, which has that very
//! purpose.

pub(crate) use crate::sync::lock;
