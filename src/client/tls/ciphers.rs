//! Cipher suites and protocol versions by the names that OpenSSL gives them.

use tokio_rustls::rustls::crypto::ring::{ALL_CIPHER_SUITES, cipher_suite as ring};
use tokio_rustls::rustls::{ProtocolVersion, SupportedCipherSuite};

/// Suites of TLS 1.2: OpenSSL's name, and ours.
const TLS12: [(&str, SupportedCipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];
const TLS13: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        ring::TLS13_CHACHA20_POLY1305_SHA256,
    ),
];
/// Groups that hold all suites of TLS 1.2 that there are here: no weak one is implemented.
const ALL: [&str; 7] = ["ALL", "DEFAULT", "HIGH", "ECDHE", "EECDH", "AEAD", "TLSv1.2"];

/// Which versions of the protocol are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocols {
    pub tls12: bool,
    pub tls13: bool,
}

impl Default for Protocols {
    fn default() -> Self {
        Protocols {
            tls12: true,
            tls13: true,
        }
    }
}

/// The suites to offer, the favourite first; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct CipherSuites(Vec<SupportedCipherSuite>);

impl Default for CipherSuites {
    fn default() -> Self {
        CipherSuites(ALL_CIPHER_SUITES.to_vec())
    }
}

impl CipherSuites {
    /// The suites for the versions, out of those that are listed: `tls12` as in OpenSSL's cipher
    /// list (names and a few groups; `!` or `-` takes away), `tls13` as in its list of suites.
    /// Without a list all are offered. Names that do not exist here count for nothing.
    ///
    /// # Errors
    /// Nothing remains to offer, in words.
    pub fn select(protocols: Protocols, tls12: Option<&str>, tls13: Option<&str>) -> Result<Self, String> {
        if protocols
            == (Protocols {
                tls12: false,
                tls13: false,
            })
        {
            return Err("-tls1.2 and -tls1.3 are both off, and there is no other version".to_owned());
        }
        let mut suites = Vec::new();
        if protocols.tls13 {
            suites.extend(listed("-ciphersuites", tls13, &TLS13)?);
        }
        if protocols.tls12 {
            suites.extend(listed("-cipher", tls12, &TLS12)?);
        }
        Ok(CipherSuites(suites))
    }

    pub(super) fn suites(&self) -> &[SupportedCipherSuite] {
        &self.0
    }

    pub(super) fn has(&self, version: ProtocolVersion) -> bool {
        self.0.iter().any(|suite| suite.version().version == version)
    }
}

fn listed(
    option: &str,
    list: Option<&str>,
    known: &[(&str, SupportedCipherSuite)],
) -> Result<Vec<SupportedCipherSuite>, String> {
    let Some(list) = list else {
        return Ok(known.iter().map(|(_, suite)| *suite).collect());
    };
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    let words = list.split([':', ',', ' ']).filter(|word| !word.is_empty());
    for word in words {
        let (word, removes) = match word.strip_prefix(['!', '-']) {
            Some(word) => (word, true),
            None => (word.trim_start_matches('+'), false),
        };
        let named = known
            .iter()
            .filter(|(name, _)| *name == word || (!removes && ALL.contains(&word)));
        for (_, suite) in named {
            chosen.retain(|other| other != suite);
            if !removes {
                chosen.push(*suite);
            }
        }
    }
    if chosen.is_empty() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "none of {option} {list} exists; there are {}",
            names.join(" ")
        ));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Protocols = Protocols {
        tls12: true,
        tls13: true,
    };
    const ONLY12: Protocols = Protocols {
        tls12: true,
        tls13: false,
    };

    fn names(suites: &CipherSuites) -> Vec<&'static str> {
        let known = TLS13.iter().chain(&TLS12);
        let name = |suite| {
            known
                .clone()
                .find(|(_, each)| each == suite)
                .map(|(name, _)| *name)
        };
        suites.suites().iter().filter_map(name).collect()
    }

    #[test]
    fn every_suite_has_a_name() {
        assert_eq!(names(&CipherSuites::default()).len(), ALL_CIPHER_SUITES.len());
        let all = CipherSuites::select(BOTH, None, None).expect("all");
        assert_eq!(all.suites().len(), ALL_CIPHER_SUITES.len());
    }

    #[test]
    fn lists_choose_order_and_take_away() {
        let select =
            |list| CipherSuites::select(ONLY12, Some(list), None).map(|suites| names(&suites).join(" "));
        let two = "ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384";
        let list = "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA:ECDHE-ECDSA-AES256-GCM-SHA384";
        assert_eq!(select(list).as_deref(), Ok(two));
        let most = select("HIGH:!aNULL:!ECDHE-RSA-AES128-GCM-SHA256").expect("most");
        assert_eq!(most.split(' ').count(), 5);
        let none = select("RC4-SHA:!ALL").expect_err("none");
        assert!(
            none.starts_with("none of -cipher RC4-SHA:!ALL exists; there are ECDHE-"),
            "{none}"
        );
    }

    #[test]
    fn versions_without_any_left_are_refused() {
        let none = Protocols {
            tls12: false,
            tls13: false,
        };
        assert!(CipherSuites::select(none, None, None).is_err());
        let one = CipherSuites::select(BOTH, None, Some("TLS_AES_128_GCM_SHA256")).expect("some");
        assert!(one.has(ProtocolVersion::TLSv1_2) && one.has(ProtocolVersion::TLSv1_3));
        assert_eq!(one.suites().len(), 7);
    }
}
