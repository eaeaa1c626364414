# A server that says what a test tells it to say, byte for byte. It works in a process of its own,
# so it answers while the interpreter under test is blocked, and ends with that interpreter's process.
#
#   set f [fake::start $greeting …]      the first connection is greeted with the first greeting, the
#                                        second with the second, all others with the last one;
#                                        without any: the INFO of fake::info
#   fake::info {"auth_required":true}    a greeting: an INFO with the usual fields and these
#   fake::url $f; fake::port $f
#   fake::answer $f $bytes               is sent for each PING from now on (at first a PONG)
#   fake::send $f $bytes                 speaks on the newest connection
#   fake::received $f ?n?                all bytes that came on connection n (0, 1, … or end)
#   fake::operations $f ?n?              the same behind CONNECT and the PING of the handshake
#   fake::connect_json $f ?n?            what CONNECT held
#   fake::ended $f ?n?                   whether the client has closed connection n
#   fake::accepted $f                    how many connections there were
#   fake::drop $f                        closes the newest connection
#   fake::stop $f
#
# fake::start -address ::1 … listens there instead of at 127.0.0.1.

foreach part {port transport} {
    source [file join [file dirname [file normalize [::info script]]] $part.tcl]
}

namespace eval fake {
    variable servers {}
    variable program [file join [file dirname [file normalize [::info script]]] \
        fake_server_process.tcl]
}

proc fake::start {args} {
    variable servers
    variable program
    set address 127.0.0.1
    if {[lindex $args 0] eq "-address"} { set args [lassign $args - address] }
    if {![llength $args]} { set args [list [info]] }
    set port [free_port]
    set channel [open |[list [::info nameofexecutable] $program $address $port] r+]
    fconfigure $channel -translation binary -buffering full
    dict set servers $channel $port
    Ask $channel greet {*}$args
    return $channel
}

proc fake::info {{fields ""}} {
    set usual {"server_id":"FAKE","version":"2.12.8","proto":1,"headers":true,"max_payload":1048576}
    if {$fields ne ""} { append usual ,$fields }
    return "INFO {$usual}\r\n"
}

proc fake::url {handle} { return nats://127.0.0.1:[port $handle] }

proc fake::port {handle} {
    variable servers
    return [dict get $servers $handle]
}

proc fake::answer {handle bytes} { Ask $handle answer $bytes }
proc fake::send {handle bytes} { Ask $handle send $bytes }
proc fake::received {handle {n end}} { Ask $handle received $n }
proc fake::ended {handle {n end}} { Ask $handle ended $n }
proc fake::accepted {handle} { Ask $handle accepted }
proc fake::drop {handle} { Ask $handle drop }

proc fake::operations {handle {n end}} {
    if {![regexp {^CONNECT [^\n]*\nPING\r\n(.*)$} [received $handle $n] -> rest]} {
        error "no handshake: [received $handle $n]"
    }
    return $rest
}

proc fake::connect_json {handle {n end}} {
    if {![regexp {^CONNECT (.*?)\r\nPING\r\n} [received $handle $n] -> json]} {
        error "no handshake: [received $handle $n]"
    }
    return $json
}

proc fake::stop {handle} {
    variable servers
    dict unset servers $handle
    catch {close $handle}
}

# Order and answer travel as a number of bytes on a line, then those bytes. An answer begins with
# "ok" or "error".
proc fake::Ask {handle args} {
    puts -nonewline $handle [string length $args]\n$args
    flush $handle
    if {[gets $handle length] < 0} { error "the fake server has ended" }
    lassign [read $handle $length] outcome value
    if {$outcome ne "ok"} { error $value }
    return $value
}
