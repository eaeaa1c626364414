# What the examples of docs/websocket.md connect to. Each example takes it from the environment:
#
#   NATS_WS_URL                  a server's listener for WebSocket
#   NATS_WSS_URL, NATS_WSS_CA    one with TLS, and the file of its authority
#   NATS_PROXY_URL               an HTTP proxy

set supportFolder [file dirname [file normalize [info script]]]
foreach part {certificates server http_proxy} { source [file join $supportFolder $part.tcl] }

namespace eval web_servers {
    variable pki
    variable servers {}
    variable proxy
}

proc web_servers::start {} {
    variable pki [pki::start]
    variable proxy [http_proxy::start]
    pki::issue $pki server
    Start NATS_WS_URL ws "no_tls: true"
    Start NATS_WSS_URL wss [pki::server $pki server]
    array set ::env [list \
        NATS_WSS_CA [pki::path $pki ca.pem] \
        NATS_PROXY_URL http://[http_proxy::address $proxy]]
}

proc web_servers::Start {variable scheme lines} {
    variable servers
    set port [free_port]
    lappend servers [server::start "websocket { listen: \"127.0.0.1:$port\"\n $lines }" -jetstream false]
    set ::env($variable) $scheme://localhost:$port
}

proc web_servers::stop {} {
    variable pki
    variable servers
    variable proxy
    foreach server $servers { server::remove $server }
    http_proxy::stop $proxy
    pki::remove $pki
}
