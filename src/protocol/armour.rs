//! JWTs and seeds in the files that NATS tools write.
//!
//! A `.creds` file holds two blocks, a JWT and a seed, each between lines of dashes:
//!
//! ```text
//! -----BEGIN NATS USER JWT-----
//! eyJ0eXAiOiJKV1Q…
//! ------END NATS USER JWT------
//! ```
//!
//! What stands between blocks is for people. Files of a tool or of a careful administrator may
//! also hold just the one or the other, with or without such lines.

use zeroize::Zeroizing;

/// What was found. Has no `Debug`: seeds are secret, and a JWT may be.
#[derive(Default)]
pub struct Armour {
    pub jwt: Option<String>,
    /// As it stands there: whether it is one, only `Seed::parse` tells.
    pub seed: Option<Zeroizing<String>>,
}

/// Dashes at each end of a line around a block, at least.
const DASHES: &str = "---";
/// How `{"` looks in base64.
const JWT_START: &str = "eyJ";
/// A line of so many characters or more can be a seed, if no blocks tell what is what.
const SEED_LIKE: usize = 50;
/// So many characters are too many for the name of a file in the current folder.
const MAX_NAME: usize = 40;

impl Armour {
    /// Finds the first JWT and the first seed, wherever they stand.
    ///
    /// Lines may end in CRLF and be indented; blank lines do not count, and data may be wrapped.
    pub fn read(text: &str) -> Armour {
        let mut found = Armour::default();
        let mut block: Option<Zeroizing<String>> = None;
        let mut has_blocks = false;
        // Some editors put a mark at the beginning of the file.
        let text = text.trim_start_matches('\u{feff}');
        for line in text.lines().map(str::trim) {
            if is_border(line) {
                has_blocks = true;
                match block.take() {
                    Some(data) => found.take_in(&data),
                    // With room for everything: growing would leave copies behind.
                    None => block = Some(Zeroizing::new(String::with_capacity(text.len()))),
                }
            } else if let Some(data) = &mut block {
                data.push_str(line);
            }
        }
        if !has_blocks {
            let candidates = text.lines().map(str::trim);
            candidates
                .filter(|line| is_jwt(line) || is_seed_like(line))
                .for_each(|line| found.take_in(line));
        }
        found
    }

    /// Whether a text is to be read itself, rather than the file of that name.
    ///
    /// What may be a mistyped secret counts as text, since the names of files appear in messages.
    pub fn is_text(text: &str) -> bool {
        text.contains('\n') || is_jwt(text.trim()) || (text.len() >= MAX_NAME && !text.contains(['/', '\\']))
    }

    fn take_in(&mut self, data: &str) {
        if is_jwt(data) {
            self.jwt.get_or_insert_with(|| data.to_owned());
        } else if !data.is_empty() && !data.contains('.') {
            self.seed.get_or_insert_with(|| Zeroizing::new(data.to_owned()));
        }
    }
}

/// Dashes, some text, dashes.
fn is_border(line: &str) -> bool {
    line.starts_with(DASHES) && line.ends_with(DASHES) && !line.trim_matches('-').is_empty()
}

/// Three parts of base64url, joined by dots, of which the first holds a JSON object.
fn is_jwt(text: &str) -> bool {
    let is_part = |part: &str| {
        let mut bytes = part.trim_end_matches('=').bytes();
        !part.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.starts_with(JWT_START) && text.split('.').count() == 3 && text.split('.').all(is_part)
}

fn is_seed_like(text: &str) -> bool {
    text.len() >= SEED_LIKE
        && text.starts_with('S')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJ0eXAi.eyJqdGki.c2ln";
    const SEED: &str = "SUAEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPL";

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let found = Armour::read(text);
        (found.jwt, found.seed.map(|seed| seed.to_string()))
    }

    fn both() -> (Option<String>, Option<String>) {
        (Some(JWT.to_owned()), Some(SEED.to_owned()))
    }

    fn creds() -> String {
        format!(
            "-----BEGIN NATS USER JWT-----\n{JWT}\n------END NATS USER JWT------\n\n\
             ************************* IMPORTANT *************************\n\
             NKEY Seed printed below can be used to sign and prove identity.\n\
             NKEYs are sensitive and should be treated as secrets.\n\n\
             -----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n\n\
             *************************************************************\n"
        )
    }

    #[test]
    fn files_as_tools_write_them() {
        assert_eq!(read(&creds()), both());
    }

    #[test]
    fn files_as_people_leave_them() {
        let creds = creds();
        let crlf = creds.replace('\n', "\r\n");
        let sparse = creds.replace('\n', "\n\n \t\n");
        let indented = creds.replace('\n', " \n\t ");
        let wrapped = creds.replace("eyJqdGki", "eyJq\ndGki");
        let short = creds.replace("------", "-----").replace("-----", "---");
        let marked = format!("\u{feff}{creds}");
        let cut = creds.trim_end_matches(['*', '\n']);
        for text in [&crlf, &sparse, &indented, &wrapped, &short, &marked, cut] {
            assert_eq!(read(text), both(), "{text}");
        }
    }

    #[test]
    fn single_parts_with_and_without_lines_of_dashes() {
        assert_eq!(read(&format!("# mine\n\n{SEED}\r\n")), (None, both().1));
        assert_eq!(read(&format!("{JWT}\n{SEED}")), both());
        assert_eq!(read(&format!("---x---\n{JWT}\n---x---\n")), (both().0, None));
    }

    #[test]
    fn what_holds_neither() {
        let unclosed = format!("---BEGIN---\n{SEED}");
        for text in [
            "",
            "\n",
            "/etc/nats/user.creds",
            "a.b",
            "no seed here",
            "------",
            &unclosed,
        ] {
            assert_eq!(read(text), (None, None), "{text:?}");
        }
    }

    #[test]
    fn texts_and_names_of_files() {
        let jwt = format!("{JWT}{}", "x".repeat(20));
        for text in [
            &jwt,
            &format!(" {JWT} "),
            SEED,
            &SEED[..50],
            &SEED.to_lowercase(),
            &creds(),
            "two\nlines",
        ] {
            assert!(Armour::is_text(text), "{text}");
        }
        let long = format!("./{SEED}.creds");
        for name in [
            "",
            "x",
            "user.creds",
            "~/a b/user.creds",
            "SUA.nk",
            "a.b.c",
            &long,
        ] {
            assert!(!Armour::is_text(name), "{name}");
        }
    }
}
