# The servers that the examples of docs/tls.md connect to, and the files that they use. Each example
# takes them from the environment:
#
#   NATS_TLS_URL        a server with TLS, as tls://localhost:<port>
#   NATS_MUTUAL_URL     one that demands a certificate of its clients
#   NATS_TLS_FIRST_URL  one that begins with TLS
#   NATS_TLS_CA         the file of the authority that all of them come from
#   NATS_TLS_CERT, NATS_TLS_KEY    a client's certificate and its key

set supportFolder [file dirname [file normalize [info script]]]
foreach part {certificates server} { source [file join $supportFolder $part.tcl] }

namespace eval secure_servers {
    variable pki
    variable servers {}
}

proc secure_servers::start {} {
    variable pki [pki::start]
    pki::issue $pki server
    pki::issue $pki client -usage clientAuth
    file attributes [pki::path $pki client.key] -permissions 0600
    Start NATS_TLS_URL ""
    Start NATS_MUTUAL_URL "verify: true, ca_file: \"[pki::path $pki ca.pem]\""
    Start NATS_TLS_FIRST_URL "handshake_first: true" -ready listen
    array set ::env [list \
        NATS_TLS_CA [pki::path $pki ca.pem] \
        NATS_TLS_CERT [pki::path $pki client.pem] \
        NATS_TLS_KEY [pki::path $pki client.key]]
}

proc secure_servers::Start {variable lines args} {
    variable pki
    variable servers
    set server [server::start [pki::server $pki server $lines] -jetstream false {*}$args]
    lappend servers $server
    set ::env($variable) tls://localhost:[server::port $server]
}

proc secure_servers::stop {} {
    variable pki
    variable servers
    foreach server $servers { server::remove $server }
    pki::remove $pki
}
