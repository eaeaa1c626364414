//! Why TLS failed, in plain words with the remedy.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::verify::is_authority;
use crate::client::error::os_reason;

/// The reason for a handshake that failed.
pub(super) fn of_handshake(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => os_reason(error),
    }
}

/// The reason if it is TLS that failed, and not what carries it.
pub(crate) fn reason(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        error if is_authority(error) => {
            "certificate verify failed: the certificate is self-signed; give it as -cafile if you trust it"
                .to_owned()
        }
        Error::InvalidCertificate(cause) => {
            format!("certificate verify failed: {}", of_certificate(cause))
        }
        Error::NoCertificatesPresented => "certificate verify failed: the server has none".to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => "the server does not speak TLS here".to_owned(),
        Error::PeerIncompatible(cause) => format!("no common version or cipher suite ({cause:?})"),
        other => other.to_string(),
    })
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "unknown issuer; give the certificate of the authority as -cafile".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = match presented.is_empty() {
                true => "no name at all (subjectAltName)".to_owned(),
                false => presented
                    .iter()
                    .map(|name| bare_name(name))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            format!(
                "name mismatch: the certificate is for {names} and not for {}; see -servername",
                expected.to_str()
            )
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not meant for servers".to_owned()
        }
        CertificateError::Other(_) => {
            "the certificate is of a form that is not accepted from servers".to_owned()
        }
        other => format!("{other:?}"),
    }
}

/// What the server says of us.
fn of_alert(alert: AlertDescription) -> String {
    let meaning = match alert {
        AlertDescription::CertificateRequired => "it wants a client certificate; give -certfile and -keyfile",
        AlertDescription::BadCertificate | AlertDescription::UnsupportedCertificate => {
            "it does not take the client certificate, or misses one (-certfile)"
        }
        AlertDescription::UnknownCA => "it does not trust the issuer of the client certificate (-certfile)",
        AlertDescription::CertificateExpired => "the client certificate has expired (-certfile)",
        AlertDescription::CertificateRevoked => "the client certificate was revoked (-certfile)",
        AlertDescription::ProtocolVersion => "no common version of TLS",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "no common cipher suite"
        }
        AlertDescription::UnrecognisedName => "it does not know the name that it was called by",
        AlertDescription::NoApplicationProtocol => "it speaks none of the protocols of -alpn",
        _ => return format!("the server answered with the alert {alert:?}"),
    };
    format!("the server refused: {meaning}")
}

/// The name in webpki's description of it: `DnsName("a.example")` is `a.example`.
fn bare_name(described: &str) -> &str {
    let inner = described.split_once('(').map_or(described, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}
