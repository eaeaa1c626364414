//! Which names streams and consumers may have.
//!
//! They are single tokens of API subjects, and folders on the server's disk.

/// Whether a name consists of letters, digits and the signs that are safe: none that could end
/// its token of a subject, match others, or lead out of a folder.
pub fn is_safe(name: &str) -> bool {
    let allowed = |c: char| c.is_alphabetic() || c.is_numeric() || SIGNS.contains(c);
    !name.is_empty() && name.chars().all(allowed)
}

const SIGNS: &str = "-!#$%&()+,:;<=?@^_`|~";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_safe_signs() {
        for name in ["S", "orders-2026", SIGNS, "\u{e9}t\u{e9}", "\u{3b1}\u{3b2}1"] {
            assert!(is_safe(name), "{name}");
        }
    }

    #[test]
    fn what_would_change_the_subject_or_the_path() {
        let bad = [
            "", "a.b", "a*", ">", "a b", "a\t", "a\n", "a\0", "a/b", "a\\b", "a\"", "a'", "a[", "a]", "{a",
            "a}", "\u{a0}", "\u{2028}",
        ];
        for name in bad {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
