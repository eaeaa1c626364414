# A TCP proxy that records, holds back, slows down and cuts what passes. It runs in a process of its
# own, so it works while the interpreter under test is blocked, and ends with that interpreter's
# process.
#
#   set p [proxy::start $serverPort]
#   proxy::url $p; proxy::port $p
#   proxy::recorded $p client ?n?    the bytes that clients (or "server") sent, on connection n
#                                    (0, 1, … or end, the default), exactly
#   proxy::pause $p client           stops taking bytes from that side ("client", "server", "both")
#   proxy::continue $p client
#   proxy::limit $p client $n        after n bytes of a connection no more is taken from that side;
#                                    "" for no limit
#   proxy::pace $p client $n $ms     takes at most n bytes at a time from that side, the next ones ms
#                                    later; "" and 0 for no pace
#   proxy::delay $p client $ms       what comes from that side goes on so much later
#   proxy::silence $p                nothing passes any more on the open connections, not even their
#                                    end; new ones work
#   proxy::inject $p client $bytes   sends bytes to that side of the newest connection
#   proxy::cut $p                    closes all connections
#   proxy::cut $p client $n          the same, and cut_after for what comes next
#   proxy::cut_after $p client $n    once, closes a connection when n more bytes came from that side
#   proxy::reset $p                  resets all connections, each when its client has sent something
#                                    that was not taken, see pause
#   proxy::refuse $p; proxy::accept $p    stops and resumes listening
#   proxy::mend $p                   takes back all of refuse, pause, limit, pace, delay, cut_after
#   proxy::connections $p            how many are open
#   proxy::accepted $p               how many there ever were
#   proxy::stop $p

foreach part {port transport} {
    source [file join [file dirname [file normalize [info script]]] $part.tcl]
}

namespace eval proxy {
    variable proxies {}
    variable program [file join [file dirname [file normalize [info script]]] proxy_process.tcl]
}

proc proxy::start {upstreamPort} {
    variable proxies
    variable program
    set port [free_port]
    set channel [open |[list [info nameofexecutable] $program $port $upstreamPort] r+]
    fconfigure $channel -translation binary -buffering full
    dict set proxies $channel $port
    accept $channel
    return $channel
}

proc proxy::port {handle} {
    variable proxies
    return [dict get $proxies $handle]
}

proc proxy::url {handle} { return [transport::scheme]://127.0.0.1:[port $handle] }

proc proxy::recorded {handle side {n end}} { Ask $handle recorded $side $n }
proc proxy::pause {handle side} { Ask $handle pause $side }
proc proxy::continue {handle side} { Ask $handle continue $side }
proc proxy::limit {handle side bytes} { Ask $handle limit $side $bytes }
proc proxy::pace {handle side bytes ms} { Ask $handle pace $side $bytes $ms }
proc proxy::delay {handle side ms} { Ask $handle delay $side $ms }
proc proxy::silence {handle} { Ask $handle silence }
proc proxy::inject {handle side bytes} { Ask $handle inject $side $bytes }
proc proxy::cut {handle {side ""} {bytes ""}} { Ask $handle cut $side $bytes }
proc proxy::cut_after {handle side bytes} { Ask $handle cut_after $side $bytes }
proc proxy::reset {handle} { Ask $handle reset }
proc proxy::refuse {handle} { Ask $handle refuse }
proc proxy::accept {handle} { Ask $handle accept }
proc proxy::mend {handle} { Ask $handle mend }
proc proxy::connections {handle} { Ask $handle connections }
proc proxy::accepted {handle} { Ask $handle accepted }

proc proxy::stop {handle} {
    variable proxies
    dict unset proxies $handle
    catch {close $handle}
}

# Order and answer travel as a number of bytes on a line, then those bytes. An answer begins with
# "ok" or "error".
proc proxy::Ask {handle args} {
    puts -nonewline $handle [string length $args]\n$args
    flush $handle
    if {[gets $handle length] < 0} { error "the proxy process has ended" }
    lassign [read $handle $length] outcome value
    if {$outcome ne "ok"} { error $value }
    return $value
}
