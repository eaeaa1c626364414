//! The four states of a connection, as scripts see them.

/// Where a connection stands. The owner's copy changes when it dispatches `Event::Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Closed,
    Connecting,
    Connected,
    Reconnecting,
}

impl Status {
    /// The word that the public variable `status` holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Closed => "closed",
            Status::Connecting => "connecting",
            Status::Connected => "connected",
            Status::Reconnecting => "reconnecting",
        }
    }
}
