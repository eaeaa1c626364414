# A peer that costs next to nothing: it shakes hands as a NATS server does, throws away what is
# published, and answers each PING.
#
#   tclsh peer.tcl      prints its port, serves one client after the other, ends with its stdin
#
# After a subscription to flood.COUNT.SIZE.WIDTH the next PONG is followed by COUNT messages of SIZE
# bytes, as fast as the client takes them; in turn for this subscription and for the WIDTH - 1 that
# were made just before it. With headers.COUNT.SIZE.WIDTH each has two headers.

set info {{"server_id":"P","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}}
set header "NATS/1.0\r\nBench-Number: 12345\r\nBench-Text: some text\r\n\r\n"
set messages_per_write 500

proc accept {channel args} {
    fconfigure $channel -translation binary -blocking 0 -buffering none
    puts -nonewline $channel "INFO $::info\r\n"
    fileevent $channel readable [list shakeHands $channel ""]
}

# Until the first PING lines are short and few.
proc shakeHands {channel before} {
    set text $before[read $channel]
    if {[eof $channel]} { return [close $channel] }
    if {[string match "*PING\r\n" $text]} {
        puts -nonewline $channel "PONG\r\n"
        fileevent $channel readable [list discard $channel]
    } else {
        fileevent $channel readable [list shakeHands $channel $text]
    }
}

# A client waits for its PONG before it goes on, so what counts stands at the end of what is read.
proc discard {channel} {
    global floods
    set bytes [read $channel 1048576]
    if {[eof $channel]} { return [close $channel] }
    set end [string range $bytes end-99 end]
    if {[regexp {SUB ((?:flood|headers)\.(\d+)\.(\d+)\.(\d+)) +(\d+)\r\n} $end \
            -> subject count size width sid]} {
        set floods($channel) [makeFlood $subject $count $size $width $sid]
    }
    if {[string match "*PING\r\n" $end]} {
        puts -nonewline $channel "PONG\r\n"
        if {[info exists floods($channel)]} { fileevent $channel writable [list flood $channel] }
    }
}

# Made before it is timed, in pieces of one write each.
proc makeFlood {subject count size width sid} {
    set payload [string repeat x $size]\r\n
    if {[string match headers.* $subject]} {
        set verb HMSG
        set length [string length $::header]
        set body "$length [expr {$length + $size}]\r\n$::header$payload"
    } else {
        set verb MSG
        set body "$size\r\n$payload"
    }
    for {set i 0} {$i < $count} {incr i} {
        append piece "$verb $subject [expr {$sid - $i % $width}] $body"
        if {$i % $::messages_per_write == 0} { lappend pieces $piece[set piece ""] }
    }
    return [lappend pieces $piece]
}

proc flood {channel} {
    global floods
    set floods($channel) [lassign $floods($channel) piece]
    puts -nonewline $channel $piece
    if {![llength $floods($channel)]} {
        unset floods($channel)
        fileevent $channel writable ""
    }
}

set listener [socket -server accept -myaddr 127.0.0.1 0]
puts [lindex [fconfigure $listener -sockname] 2]
flush stdout
fileevent stdin readable { if {[gets stdin line] < 0} exit }
vwait forever
