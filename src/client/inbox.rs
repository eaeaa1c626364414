//! Fresh reply subjects.

use rand::Rng;
use rand::TryRngCore;
use rand::distr::Alphanumeric;
use rand::rngs::OsRng;

/// What inboxes begin with unless the option says otherwise.
pub const DEFAULT_INBOX_PREFIX: &str = "_INBOX";
/// 22 characters out of 62 are about 131 bits: nobody guesses or repeats an inbox.
const RANDOM_LEN: usize = 22;

/// A new inbox: the prefix, a dot, and 22 letters and digits from the operating system's generator.
pub fn new_inbox(prefix: &str) -> String {
    let mut inbox = String::with_capacity(prefix.len() + 1 + RANDOM_LEN);
    inbox.push_str(prefix);
    inbox.push('.');
    inbox.extend(
        OsRng
            .unwrap_err()
            .sample_iter(&Alphanumeric)
            .take(RANDOM_LEN)
            .map(char::from),
    );
    inbox
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_has_the_fixed_form_and_never_repeats() {
        let inboxes: std::collections::HashSet<String> =
            (0..1000).map(|_| new_inbox(DEFAULT_INBOX_PREFIX)).collect();
        assert_eq!(inboxes.len(), 1000);
        for inbox in &inboxes {
            assert_eq!(inbox.len(), 29);
            let random = inbox.strip_prefix("_INBOX.").expect("prefix");
            assert!(random.bytes().all(|b| b.is_ascii_alphanumeric()), "{inbox}");
        }
    }

    #[test]
    fn every_letter_and_digit_occurs() {
        let seen: std::collections::HashSet<char> = (0..1000)
            .flat_map(|_| new_inbox("")[1..].chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(seen.len(), 62);
    }
}
