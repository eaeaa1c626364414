//! Requests that wait for replies.
//!
//! New-style requests share one inbox per life; the token behind it in a reply's subject is the
//! request's ID, and the first reply ends it. An old-style request has an inbox and a
//! subscription of its own and ends with its last reply, or when its first one says that nobody
//! listens (D29).

use std::collections::BTreeMap;
use std::time::Instant;

use super::outbox::Pace;

/// The pending requests of a life.
#[derive(Default)]
pub(crate) struct Requests {
    shared_inbox: Option<String>,
    /// Tokens of the shared inbox.
    inbox_tokens: usize,
    pending: BTreeMap<u64, Pending>,
}

pub(crate) struct Pending {
    pub(crate) deadline: Option<Instant>,
    /// The subscription of an old-style request.
    pub(crate) own_sid: Option<u64>,
    /// Replies that an old-style request still takes; `None` for all until the deadline.
    left: Option<u64>,
    replied: bool,
}

/// What a reply of an old-style request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    More,
    /// The last reply: the request is forgotten.
    Last {
        deadline: Option<Instant>,
        sid: Option<u64>,
    },
}

impl Requests {
    /// The inbox that new-style requests share, made by the first of them; the flag says so.
    pub(crate) fn shared_inbox(&mut self, make: impl FnOnce() -> String) -> (&str, bool) {
        let is_new = self.shared_inbox.is_none();
        let inbox = self.shared_inbox.get_or_insert_with(make);
        if is_new {
            self.inbox_tokens = inbox.split('.').count();
        }
        (inbox, is_new)
    }

    /// How soon one more request should be written: others that are pending hint at a flow.
    pub(crate) fn pace(&self) -> Pace {
        if self.pending.is_empty() {
            Pace::Single
        } else {
            Pace::Flow
        }
    }

    pub(crate) fn add_new_style(&mut self, id: u64, deadline: Option<Instant>) {
        let pending = Pending {
            deadline,
            own_sid: None,
            left: Some(1),
            replied: false,
        };
        self.pending.insert(id, pending);
    }

    /// Adds a request for `max` replies, 0 for all until the deadline.
    pub(crate) fn add_old_style(&mut self, id: u64, sid: u64, max: u64, deadline: Option<Instant>) {
        let left = (max > 0).then_some(max);
        self.pending.insert(
            id,
            Pending {
                deadline,
                own_sid: Some(sid),
                left,
                replied: false,
            },
        );
    }

    /// Forgets a request that timed out, was cancelled, or could not be sent.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Pending> {
        self.pending.remove(&id)
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        self.pending.contains_key(&id)
    }

    /// The new-style request that a message to `subject` in the shared inbox answers.
    pub(crate) fn addressee(&self, subject: &[u8]) -> Option<u64> {
        let token = subject.split(|&b| b == b'.').nth(self.inbox_tokens)?;
        let id = std::str::from_utf8(token).ok()?.parse().ok()?;
        self.pending.get(&id)?.own_sid.is_none().then_some(id)
    }

    /// Counts a reply to the request `id`; `None` if nobody waits for it any more.
    pub(crate) fn reply(&mut self, id: u64, no_responders: bool) -> Option<Verdict> {
        let pending = self.pending.get_mut(&id)?;
        let first = !std::mem::replace(&mut pending.replied, true);
        let left = pending.left.map(|left| left - 1);
        pending.left = left;
        if left != Some(0) && !(first && no_responders) {
            return Some(Verdict::More);
        }
        let Pending {
            deadline,
            own_sid: sid,
            ..
        } = self.pending.remove(&id)?;
        Some(Verdict::Last { deadline, sid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Option<Verdict> = Some(Verdict::Last {
        deadline: None,
        sid: Some(9),
    });

    #[test]
    fn new_style_replies_are_matched_by_the_token_behind_the_inbox_and_the_first_wins() {
        for inbox in ["_INBOX.x", "my.own.prefix.x"] {
            matched_behind(inbox);
        }
    }

    fn matched_behind(inbox: &str) {
        let mut requests = Requests::default();
        assert_eq!(requests.shared_inbox(|| inbox.to_owned()), (inbox, true));
        assert_eq!(requests.shared_inbox(|| unreachable!()), (inbox, false));
        requests.add_new_style(12, None);
        let subject = |token: &str| format!("{inbox}.{token}").into_bytes();
        assert_eq!(requests.addressee(&subject("12")), Some(12));
        for token in ["13", "x", "", "99999999999999999999999"] {
            assert_eq!(requests.addressee(&subject(token)), None, "{token}");
        }
        assert_eq!(
            requests.reply(12, false),
            Some(Verdict::Last {
                deadline: None,
                sid: None
            })
        );
        assert_eq!(requests.reply(12, false), None);
        assert_eq!(requests.addressee(&subject("12")), None);
    }

    #[test]
    fn an_old_style_request_ends_at_its_count() {
        let mut requests = Requests::default();
        requests.add_old_style(1, 9, 2, None);
        assert_eq!(requests.reply(1, false), Some(Verdict::More));
        assert_eq!(requests.reply(1, true), LAST);
        assert_eq!(requests.reply(1, false), None);
    }

    #[test]
    fn only_the_first_reply_can_say_that_nobody_listens() {
        let mut requests = Requests::default();
        requests.add_old_style(1, 9, 0, None);
        assert_eq!(requests.reply(1, true), LAST);
        requests.add_old_style(2, 9, 0, None);
        assert_eq!(requests.reply(2, false), Some(Verdict::More));
        assert_eq!(requests.reply(2, true), Some(Verdict::More));
    }
}
