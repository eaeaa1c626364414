# An HTTP proxy that opens tunnels with CONNECT, or answers otherwise as a test wants. It works in a
# process of its own and ends with that of the interpreter under test.
#
#   set h [http_proxy::start]
#   http_proxy::address $h               host:port
#   http_proxy::answer $h tunnel         opens the tunnel that is asked for (so it begins)
#   http_proxy::answer $h joined         the same, and sends the head together with the first bytes
#                                        that the server says
#   http_proxy::answer $h login $base64  407 without that Proxy-Authorization, else opens the tunnel
#   http_proxy::answer $h say $bytes     these bytes, and no more
#   http_proxy::answer $h end $bytes     these bytes, then closes
#   http_proxy::answer $h endless        header lines without end
#   http_proxy::requests $h              the heads of all requests
#   http_proxy::cut $h                   closes all connections
#   http_proxy::stop $h

source [file join [file dirname [file normalize [info script]]] port.tcl]

namespace eval http_proxy {
    variable ports {}
    variable program [file join [file dirname [file normalize [info script]]] http_proxy_process.tcl]
}

proc http_proxy::start {} {
    variable ports
    variable program
    set port [free_port]
    set channel [open |[list [info nameofexecutable] $program $port] r+]
    fconfigure $channel -translation binary -buffering full
    dict set ports $channel $port
    answer $channel tunnel
    return $channel
}

proc http_proxy::address {handle} {
    variable ports
    return 127.0.0.1:[dict get $ports $handle]
}

proc http_proxy::answer {handle how args} { Ask $handle answer $how {*}$args }
proc http_proxy::requests {handle} { Ask $handle requests }
proc http_proxy::cut {handle} { Ask $handle cut }

proc http_proxy::stop {handle} {
    variable ports
    dict unset ports $handle
    catch {close $handle}
}

# Order and answer travel as a number of bytes on a line, then those bytes. An answer begins with
# "ok" or "error".
proc http_proxy::Ask {handle args} {
    puts -nonewline $handle [string length $args]\n$args
    flush $handle
    if {[gets $handle length] < 0} { error "the HTTP proxy has ended" }
    lassign [read $handle $length] outcome value
    if {$outcome ne "ok"} { error $value }
    return $value
}
