//! The client engine.
pub mod event;
