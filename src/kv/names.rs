//! Which names buckets and keys may have.

/// Whether a bucket or a mirror may have this name.
pub fn is_bucket(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| is_word(byte) || byte == b'-')
}

/// Whether a key may have this name: tokens with dots between them, none of them empty, and not of
/// those that begin with `_kv`, which are reserved.
pub fn is_key(name: &str) -> bool {
    let allowed = |byte| is_word(byte) || b"-/=".contains(&byte);
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(allowed);
    !name.starts_with("_kv") && name.split('.').all(is_token)
}

/// The stream that holds a bucket.
pub fn stream_of(bucket: &str) -> String {
    format!("{STREAM_PREFIX}{bucket}")
}

/// The bucket that a stream holds: its name without the prefix, if it has one.
pub fn bucket_of(stream: &str) -> &str {
    stream.strip_prefix(STREAM_PREFIX).unwrap_or(stream)
}

/// What the names of all streams begin with that hold a bucket.
pub const STREAM_PREFIX: &str = "KV_";

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets() {
        assert!(["B", "a-b_9", "_", "-"].into_iter().all(is_bucket));
        let bad = ["", "a.b", "a b", "a*", ">", "a/b", "a=b", "\u{e9}", "a\n"];
        assert!(!bad.into_iter().any(is_bucket));
    }

    #[test]
    fn keys() {
        let good = ["k", "a.b.c", "a/b=c-d_e.9", "_", "kv", "a._kv", "="];
        assert!(good.into_iter().all(is_key));
        let bad = [
            "", ".", ".a", "a.", "a..b", "_kv", "_kvx", "_kv.a", "a b", "a*", "a.>", "a:b", "\u{e9}", "a\n",
            "-/.",
        ];
        assert!(!bad.into_iter().any(is_key));
    }

    #[test]
    fn only_a_real_prefix_is_taken_off() {
        assert_eq!((bucket_of("KV_B"), bucket_of("MIRROR")), ("B", "MIRROR"));
        assert_eq!(bucket_of(&stream_of("KV_")), "KV_");
    }
}
