# The way on which tests reach real servers: $env(NATS_TEST_TRANSPORT) is tcp (the default), tls, ws
# or wss. server.tcl gives its servers a listener for it and the URL that belongs to it; connections
# trust them by SSL_CERT_FILE. A test that reads or writes the bytes of the protocol itself has the
# constraint plainWire, which only tcp meets.
#
#   transport::scheme                  nats, tls, ws or wss
#   transport::has_own_port            whether the listener stands beside the ordinary one
#   transport::configuration $port     the lines for a server's configuration

namespace eval transport {
    variable name [expr {[info exists ::env(NATS_TEST_TRANSPORT)] ? $::env(NATS_TEST_TRANSPORT) : "tcp"}]
    variable pki ""
}

proc transport::scheme {} {
    variable name
    return [dict get {tcp nats tls tls ws ws wss wss} $name]
}

proc transport::has_own_port {} {
    return [string match ws* [scheme]]
}

proc transport::configuration {port} {
    switch [scheme] {
        nats { return "" }
        tls  { return [Certificate] }
        ws   { return "websocket { listen: \"127.0.0.1:$port\", no_tls: true }" }
        wss  { return "websocket { listen: \"127.0.0.1:$port\"\n [Certificate] }" }
    }
}

proc transport::Certificate {} {
    variable pki
    return [pki::server $pki transport]
}

# Once for each process of tests.
proc transport::Prepare {} {
    variable pki
    if {[namespace exists ::tcltest]} {
        ::tcltest::testConstraint plainWire [expr {[scheme] eq "nats"}]
    }
    if {$pki ne "" || [scheme] ni {tls wss}} return
    source [file join [file dirname [file normalize [info script]]] certificates.tcl]
    set pki [pki::start]
    pki::issue $pki transport
    set ::env(SSL_CERT_FILE) [pki::path $pki ca.pem]
}

transport::Prepare
