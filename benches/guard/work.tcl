# What guard counts the instructions of: one kind of operation, COUNT times.
#
#   tclsh work.tcl WORK COUNT ?PORT?      PORT of peer.tcl, for what is received

package require nats
lassign $argv work count port
set payload [string repeat x 128]

# A connection that goes on connecting, to a server that does not say a word: what is published stays
# in memory.
proc connecting {} {
    set listener [socket -server silence -myaddr 127.0.0.1 0]
    return [connectTo [lindex [fconfigure $listener -sockname] 2] -connect_timeout 3600000 -async]
}
proc silence {channel args} {}

proc connectTo {port args} {
    set async [expr {[lindex $args end] eq "-async" ? "-async" : ""}]
    set conn [nats::connection new]
    $conn configure -servers nats://127.0.0.1:$port -reconnect_buf_size 1000000000 \
        -pending_bytes 1000000000 {*}[lrange $args 0 1]
    $conn connect {*}$async
    return $conn
}

proc publish {count} {
    set conn [connecting]
    for {set i 0} {$i < $count} {incr i} { $conn publish guard.subject $::payload }
}

proc publish_header {count} {
    set conn [connecting]
    set header {Guard-Number 12345 Guard-Text {{some text}}}
    for {set i 0} {$i < $count} {incr i} {
        $conn publish guard.subject $::payload -header $header -reply guard.reply
    }
}

proc publish_msg {count} {
    set conn [connecting]
    set message [nats::msg create guard.subject -data $::payload]
    for {set i 0} {$i < $count} {incr i} { $conn publish_msg $message }
}

proc request {count} {
    set conn [connecting]
    for {set i 0} {$i < $count} {incr i} {
        $conn request guard.subject $::payload -callback never
    }
}

proc subscribe {count} {
    set conn [connecting]
    for {set i 0} {$i < $count} {incr i} { $conn subscribe guard.$i -callback never }
}

proc header_get {count} {
    set message [nats::msg create guard.subject]
    nats::header set message Guard-Number 12345
    for {set i 0} {$i < $count} {incr i} { nats::header get $message Guard-Number }
}

# All is read before the first event is served, so that the threads do not meet.
proc deliver {count} { receive $count flood }
proc deliver_dict {count} { receive $count flood -dictmsg true }
proc deliver_header {count} { receive $count headers -dictmsg true }

# For so many subscriptions in turn.
proc deliver_many {count} { receive $count flood -width 10000 }

proc receive {count kind args} {
    set options [dict merge {-width 1 -dictmsg false} $args]
    set width [dict get $options -width]
    set conn [connectTo $::port -ping_interval 0]
    set ::left $count
    for {set i 1} {$i < $width} {incr i} { $conn subscribe many.$i -callback received }
    $conn ping -timeout 0
    $conn subscribe $kind.$count.128.$width -callback received -dictmsg [dict get $options -dictmsg]
    $conn ping -timeout 0
    while {[dict get [$conn stats] in_msgs] < $count} { after 10 }
    vwait ::all_received
}
proc received {subject message reply} {
    if {[incr ::left -1] == 0} { set ::all_received 1 }
}

$work $count
exit
