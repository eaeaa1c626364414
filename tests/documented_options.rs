//! The tables of options in the reference pages say what the option tables say.

use nats::commands::jet_stream::consumer_config::CONSUMER;
use nats::commands::jet_stream::consumer_options;
use nats::commands::jet_stream::fields::{Field, Kind};
use nats::commands::jet_stream::helpers::{MAKE_REPUBLISH, MAKE_STREAM_SOURCE, MAKE_SUBJECT_TRANSFORM};
use nats::commands::jet_stream::messages::{DELETE, GET};
use nats::commands::jet_stream::ordered_consumer;
use nats::commands::jet_stream::stream_config::{
    CONSUMER_LIMITS, EXTERNAL, PLACEMENT, REPUBLISH, SOURCE, STREAM, TRANSFORM,
};
use nats::commands::jet_stream::streams::{FILTER, PURGE};
use nats::commands::kv::bucket_config::BUCKET;
use nats::commands::kv::origins::ORIGIN;
use nats::commands::kv::watcher::OPTIONS as WATCH;

/// The pages with such tables.
const PAGES: [(&str, Tables); 2] = [
    (include_str!("../docs/jetstream_management.md"), MANAGEMENT),
    (include_str!("../docs/key_value.md"), KEY_VALUE),
];

/// Headings of a page, with the table below each.
type Tables = &'static [(&'static str, &'static [Field])];

const MANAGEMENT: Tables = &[
    ("## Options of a stream", STREAM),
    ("### `-mirror`, one of `-sources`", &SOURCE),
    ("### `external` of a source", &EXTERNAL),
    (
        "### `-subject_transform`, one of `subject_transforms`",
        &TRANSFORM,
    ),
    ("### `-republish`", &REPUBLISH),
    ("### `-placement`", &PLACEMENT),
    ("### `-consumer_limits`", &CONSUMER_LIMITS),
    ("## Options of a consumer", CONSUMER),
    ("### Purging", PURGE),
    ("### Listing", FILTER),
    ("### Reading", GET),
    ("### Deleting", DELETE),
    ("### `nats::make_stream_source`", MAKE_STREAM_SOURCE),
    ("### `nats::make_subject_transform`", MAKE_SUBJECT_TRANSFORM),
    ("### `nats::make_republish`", MAKE_REPUBLISH),
];

const KEY_VALUE: Tables = &[
    ("### Options of a bucket", BUCKET),
    ("### Options of an origin", ORIGIN),
    ("### Options of a watcher", WATCH),
];

#[test]
fn each_table_has_the_rows_of_the_code() {
    let tables = PAGES
        .iter()
        .flat_map(|(page, tables)| tables.iter().map(move |table| (page, table)));
    for (page, (heading, fields)) in tables {
        let expected: Vec<String> = fields.iter().map(row).collect();
        let found = rows_below(page, heading);
        assert_eq!(
            found,
            expected,
            "below \"{heading}\" there should be:\n{}",
            expected.join("\n")
        );
    }
}

#[test]
fn the_pages_have_no_other_table_of_options() {
    for (page, tables) in PAGES {
        let below_known: usize = tables
            .iter()
            .map(|(heading, _)| rows_below(page, heading).len())
            .sum();
        let all = page.lines().filter(|line| is_row(line)).count();
        assert_eq!(all, below_known);
    }
}

/// The page whose tables are not only of [`Field`]s.
const CONSUMERS: &str = include_str!("../docs/jetstream_consumers.md");

#[test]
fn the_table_of_ordered_consumers_has_the_rows_of_the_code() {
    let expected: Vec<String> = ordered_consumer::OPTIONS.iter().map(row).collect();
    let found = rows_below(CONSUMERS, "### Options of an ordered consumer");
    assert_eq!(found, expected, "there should be:\n{}", expected.join("\n"));
}

#[test]
fn the_table_of_subscriptions_has_a_row_for_each_option() {
    let names: Vec<String> = rows_below(CONSUMERS, "### Options of a subscription")
        .iter()
        .filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    let expected: Vec<&str> = consumer_options::OPTIONS.iter().map(|spec| spec.name).collect();
    assert_eq!(names, expected);
}

/// The rows between a heading and the next one.
fn rows_below<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let mut lines = page.lines().skip_while(|line| line != &heading);
    lines.next();
    lines
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| is_row(line))
        .collect()
}

/// Whether the line is about an option, not about an error code or a method.
fn is_row(line: &str) -> bool {
    let name = line.strip_prefix("| `");
    name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
}

fn row(field: &Field) -> String {
    let default = match field.default {
        _ if field.required => "required".to_owned(),
        Some(default) => format!("`{default}`"),
        None => String::new(),
    };
    let cells = [
        format!("`{}`", field.name),
        kind(field.kind),
        default,
        field.since.to_owned(),
        field.about.to_owned(),
    ];
    format!("| {} |", cells.join(" | "))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Str => "text, may be empty".to_owned(),
        Kind::ValidStr => "text".to_owned(),
        Kind::Int => "integer".to_owned(),
        Kind::PosInt => "integer ≥ 0".to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::Duration => "ms".to_owned(),
        Kind::Durations => "list of ms".to_owned(),
        Kind::Enum(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(" ")
        }
        Kind::List => "list".to_owned(),
        Kind::Metadata => "dict".to_owned(),
        Kind::Object(_) => "object".to_owned(),
        Kind::Objects(_) => "list of objects".to_owned(),
    }
}
