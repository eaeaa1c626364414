# A peer that costs next to nothing: it shakes hands as a NATS server does, throws away what is
# published, and answers each PING.
#
#   tclsh peer.tcl      prints its port, serves one client after the other, ends with its stdin
#
# A subscription to flood.COUNT.SIZE gets COUNT messages of SIZE bytes, as fast as it takes them.

set info {{"server_id":"P","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}}
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

# A client waits for its PONG before it goes on, and subscribes in a write of its own: so both
# stand at the end of what is read.
proc discard {channel} {
    set bytes [read $channel 1048576]
    if {[eof $channel]} { return [close $channel] }
    set end [string range $bytes end-99 end]
    if {[string match "*PING\r\n" $end]} {
        puts -nonewline $channel "PONG\r\n"
    } elseif {[regexp {SUB (flood\.(\d+)\.(\d+)) +(\d+)\r\n$} $end -> subject count size sid]} {
        set message "MSG $subject $sid $size\r\n[string repeat x $size]\r\n"
        fileevent $channel writable [list flood $channel $message $count]
    }
}

proc flood {channel message count} {
    set now [expr {min($count, $::messages_per_write)}]
    puts -nonewline $channel [string repeat $message $now]
    incr count -$now
    fileevent $channel writable [expr {$count ? [list flood $channel $message $count] : ""}]
}

set listener [socket -server accept -myaddr 127.0.0.1 0]
puts [lindex [fconfigure $listener -sockname] 2]
flush stdout
fileevent stdin readable { if {[gets stdin line] < 0} exit }
vwait forever
