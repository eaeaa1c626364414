# What the package costs, beside what Tcl itself costs on the same machine in the same run.
#
#   benches/run ?-scale factor? ?-rounds number?      (after "make", or as "make bench")
#
# Every figure is taken once per round, so that a busy time of the machine hits all of them, and
# the median of the rounds is shown. -scale multiplies the numbers of messages.

package require nats
set here [file dirname [file normalize [info script]]]
source [file join $here .. tests support server.tcl]

array set option {-scale 1 -rounds 5}
array set option $argv
set payload [string repeat x 128]
set subject bench.subject
proc scaled {count} { return [expr {max(1, int($count * $::option(-scale)))}] }

# Measures: name, operations per round, what it is measured by ("" for a floor), and the wanted
# part of that in percent ("" for none). Procs of the same names run them.
set measures [list \
    loop_method    "call of a native method that does nothing"     [scaled 500000] "" "" \
    publish_calls  "publish, the calls alone"                      [scaled 500000] loop_method 20 \
    publish_peer   "publish until a peer that only reads has all"  [scaled 500000] loop_method "" \
    publish_server "publish until the server has all"              [scaled 500000] loop_method "" \
    loop_callback  "native call of the callback with fresh values" [scaled 500000] "" "" \
    deliver_peer   "delivery from a peer that only writes"         [scaled 500000] loop_callback "" \
    deliver_server "publish to callback, through the server"       [scaled 300000] loop_callback 10 \
    round_trip     "PING and PONG over a plain Tcl socket"         [scaled 3000]   "" "" \
    ping           "ping"                                          [scaled 3000]   round_trip "" \
    request        "request, answered in the same interpreter"     [scaled 3000]   round_trip "" \
    kv_put         "key-value: put, bucket in memory"              [scaled 3000]   round_trip "" \
    kv_get         "key-value: get_value"                          [scaled 3000]   round_trip "" \
]

proc loop_method {count} {
    global noop subject payload
    timed { for {set i 0} {$i < $count} {incr i} { $noop publish $subject $payload } }
}

# The time of the calls is part of the next figure.
proc publish_calls {count} { lindex [publishTo $::toPeer $count] 0 }
proc publish_peer {count} { lindex [publishTo $::toPeer $count] 1 }
proc publish_server {count} { lindex [publishTo $::conn $count] 1 }

proc publishTo {conn count} {
    global subject payload
    set whole [timed {
        set calls [timed { for {set i 0} {$i < $count} {incr i} { $conn publish $subject $payload } }]
        $conn ping -timeout 60000
    }]
    return [list $calls $whole]
}

proc loop_callback {count} { timed { floors::deliver $count $::payload received } }

proc deliver_peer {count} {
    expect $count
    set time [timed {
        set id [$::toPeer subscribe flood.$count.[string length $::payload] -callback received]
        vwait ::done
    }]
    $::toPeer unsubscribe $id
    return $time
}

proc deliver_server {count} {
    global conn subject payload
    expect $count
    set id [$conn subscribe $subject -callback received]
    set time [timed {
        for {set i 0} {$i < $count} {incr i} { $conn publish $subject $payload }
        vwait ::done
    }]
    $conn unsubscribe $id
    return $time
}

proc expect {count} { set ::left $count }
proc received {subject message reply} {
    if {[incr ::left -1] == 0} { set ::done 1 }
}

proc round_trip {count} {
    timed { for {set i 0} {$i < $count} {incr i} {
        puts -nonewline $::plain "PING\r\n"
        gets $::plain
    } }
}

proc ping {count} {
    timed { for {set i 0} {$i < $count} {incr i} { $::conn ping } }
}

proc request {count} {
    set id [$::conn subscribe bench.service -callback answer]
    set time [timed { for {set i 0} {$i < $count} {incr i} { $::conn request bench.service $::payload } }]
    $::conn unsubscribe $id
    return $time
}
proc answer {subject message reply} { $::conn publish $reply $message }

proc kv_put {count} {
    timed { for {set i 0} {$i < $count} {incr i} { $::bucket put key $::payload } }
}

proc kv_get {count} {
    timed { for {set i 0} {$i < $count} {incr i} { $::bucket get_value key } }
}

# Microseconds that the script takes where the caller is.
proc timed {script} {
    set start [clock microseconds]
    uplevel 1 $script
    return [expr {[clock microseconds] - $start}]
}

proc plainSocket {port} {
    set channel [socket 127.0.0.1 $port]
    fconfigure $channel -translation binary -buffering none
    gets $channel
    puts -nonewline $channel "CONNECT {\"verbose\":false}\r\n"
    return $channel
}

proc connectTo {port} {
    set conn [nats::connection new]
    $conn configure -servers nats://127.0.0.1:$port
    $conn connect
    return $conn
}

proc median {numbers} { lindex [lsort -real $numbers] [expr {[llength $numbers] / 2}] }

# Prints the table; returns whether every wanted part was reached.
proc show {results} {
    set reached 1
    puts [format "%-47s %9s %11s  %s" "" ns "per second" "of its floor"]
    foreach {name text - floor wanted} $::measures {
        set ns [dict get $results $name]
        set part ""
        if {$floor ne ""} {
            set percent [expr {100 * [dict get $results $floor] / $ns}]
            set part [format %5.1f%% $percent]
        }
        if {$wanted ne ""} {
            set missed [expr {$percent < $wanted}]
            append part [expr {$missed ? ", MISSES" : ", wanted"}] " $wanted%"
            if {$missed} { set reached 0 }
        }
        puts [format "%-47s %9.0f %11.0f  %s" $text $ns [expr {1e9 / $ns}] $part]
    }
    return $reached
}

load $env(FLOORS) Floors
oo::class create noop
floors::equip noop
set noop [noop new]
set server [server::start]
set peer [open |[list [info nameofexecutable] [file join $here peer.tcl]] r+]
set conn [connectTo [server::port $server]]
set bucket [[$conn jet_stream] create_kv_bucket bench -storage memory]
set toPeer [connectTo [gets $peer]]
set plain [plainSocket [server::port $server]]

puts "Tcl [info patchlevel], [string length $payload] byte payloads, medians of $option(-rounds) rounds"
for {set round 0} {$round < $option(-rounds)} {incr round} {
    foreach {name - count - -} $measures {
        dict lappend times $name [expr {1e3 * [$name $count] / $count}]
    }
}
set reached [show [dict map {- each} $times { median $each }]]
server::remove $server
exit [expr {!$reached}]
