//! A stream from a server gives the same operations whole and in pieces.
#![no_main]

#[path = "../../tests/support/operations.rs"]
mod operations;

use libfuzzer_sys::fuzz_target;
use operations::parse;

// The first byte is the number of pieces whose sizes follow, over and over.
fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let (sizes, wire) = rest.split_at(rest.len().min((count % 16).into()));
    let sizes: Vec<usize> = sizes.iter().map(|&size| usize::from(size) + 1).collect();
    assert_eq!(parse(wire, &[]), parse(wire, &sizes));
});
