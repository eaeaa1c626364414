# What Tcl itself costs: the same loops and callbacks with native code that does nothing behind.

oo::class create idle
floors::equip idle
set idle [idle new]

proc call {count size width via} {
    global idle
    set payload [payload $size]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} { $idle publish bench.publish $payload }
    since $begun
}

proc callback {count size width via} {
    set payload [payload $size]
    set begun [clock microseconds]
    floors::deliver $count $payload received
    since $begun
}

proc callback_dict {count size width via} {
    set payload [payload $size]
    set begun [clock microseconds]
    floors::deliver_dict $count $payload receivedDict
    since $begun
}

# Each answer leads to the next request.
proc call_in_callback {count size width via} {
    set payload [payload $size]
    set ::latencies {}
    set begun [clock microseconds]
    floors::deliver $count $payload answered
    since $begun
}

# One request is a round trip over a socket at the least.
proc round_trip {count size width via} {
    set socket [plainSocket [url $via]]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        set start [clock microseconds]
        puts -nonewline $socket "PING\r\n"
        gets $socket
        lappend latencies [expr {1000 * ([clock microseconds] - $start)}]
    }
    set time [since $begun]
    close $socket
    return [list $time $latencies]
}

proc plainSocket {url} {
    regexp {([^/:]+):(\d+)$} $url -> host port
    set channel [socket $host $port]
    fconfigure $channel -translation binary -buffering none
    gets $channel
    puts -nonewline $channel "CONNECT {\"verbose\":false}\r\n"
    return $channel
}

proc received {subject message reply} { incr ::left -1 }
proc receivedDict {subject message reply} {
    lindex [dict get $message header Bench-Number] 0
    incr ::left -1
}
proc answered {subject message reply} {
    lappend ::latencies [expr {1000 * ([clock microseconds] - 1)}]
    $::idle publish bench.echo $message
}
