//! Files that options name, or texts that stand in their place.
//!
//! They are read in the interpreter's thread by scripts of ours, since the way through Tcl's file
//! layer may lead into archives that other scripts have mounted.

use zeroize::Zeroizing;

use crate::tcl::{Interp, Obj, Result, Work};

/// How a text in place of a file is told from a name: PEM and credentials have such a line. What has
/// several lines is no name either, and may be a secret that no message must show.
const ARMOUR: [&str; 2] = ["-----BEGIN", "\n"];

/// What an option's value leads to.
pub struct Wanted {
    option: &'static str,
    value: Obj,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Text,
    File,
    Folder,
}

/// One file, or the text that stands for it.
pub struct File {
    /// The option that led to it, with its dash.
    pub option: &'static str,
    pub bytes: Zeroizing<Vec<u8>>,
    /// Others than the owner may read the file.
    pub exposed: bool,
}

/// What comes of the files: all of them in the order of the options, or what went wrong, in words
/// that name the option, the file and the reason.
pub type Outcome = std::result::Result<Vec<File>, String>;

impl Wanted {
    /// The value is PEM or armoured text, else the name of a file.
    pub fn file_or_text(option: &'static str, value: Obj) -> Wanted {
        let text = value.to_text();
        let is_text = ARMOUR.iter().any(|mark| text.contains(mark));
        let source = if is_text { Source::Text } else { Source::File };
        drop(text);
        Wanted {
            option,
            value,
            source,
        }
    }

    /// The value itself, for texts that have other marks.
    pub fn text(option: &'static str, value: Obj) -> Wanted {
        let source = Source::Text;
        Wanted {
            option,
            value,
            source,
        }
    }

    /// All files in the folder with this name.
    pub fn folder(option: &'static str, value: Obj) -> Wanted {
        let source = Source::Folder;
        Wanted {
            option,
            value,
            source,
        }
    }
}

/// The work of reading what is wanted; `then` gets it. The first failure ends the reading.
pub fn read(interp: &Interp, wanted: Vec<Wanted>, then: impl FnOnce(Outcome) -> Work + 'static) -> Work {
    let reading = Reading {
        interp: interp.clone(),
        files: Vec::new(),
        then: Box::new(then),
    };
    reading.go_on(wanted.into_iter())
}

struct Reading {
    interp: Interp,
    files: Vec<File>,
    then: Box<dyn FnOnce(Outcome) -> Work>,
}

impl Reading {
    fn go_on(mut self, mut wanted: std::vec::IntoIter<Wanted>) -> Work {
        let Some(next) = wanted.next() else {
            return (self.then)(Ok(self.files));
        };
        let command = match next.source {
            Source::Text => {
                self.files.push(File {
                    option: next.option,
                    bytes: Zeroizing::new(next.value.to_text().into_owned().into_bytes()),
                    exposed: false,
                });
                return self.go_on(wanted);
            }
            Source::File => "::nats::files::contents",
            Source::Folder => "::nats::files::folder",
        };
        Work::Ask {
            interp: self.interp.clone(),
            words: vec![Obj::text(command), next.value.clone()],
            then: Box::new(move |result| match self.take(&next, result) {
                Ok(()) => self.go_on(wanted),
                Err(reason) => (self.then)(Err(reason)),
            }),
        }
    }

    /// Takes the pairs of bytes and exposure that a script returned.
    fn take(&mut self, from: &Wanted, result: Result<Obj>) -> std::result::Result<(), String> {
        let failed = |reason: &str| format!("cannot read {} {}: {reason}", from.option, from.value.to_text());
        let pairs = result
            .and_then(|pairs| pairs.elements(&self.interp))
            .map_err(|error| failed(&error.message()))?;
        for pair in pairs.chunks_exact(2) {
            let bytes = pair[0].to_bytes().unwrap_or_default().into_owned();
            self.files.push(File {
                option: from.option,
                bytes: Zeroizing::new(bytes),
                exposed: pair[1].modified_utf8() == b"1",
            });
        }
        Ok(())
    }
}
