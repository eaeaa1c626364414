# Core NATS in the column "nats". Each procedure returns nanoseconds, and for latencies a list of
# them behind.

proc publish {count size width via} {
    set conn [connection $via]
    set payload [payload $size]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.publish $payload }
    $conn ping -timeout 0
    since $begun
}

proc deliver {count size width via} {
    set conn [connection $via]
    set payload [payload $size]
    expect $count
    set id [$conn subscribe bench.deliver -callback received]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.deliver $payload }
    vwait ::all_received
    set time [since $begun]
    $conn unsubscribe $id
    return $time
}

proc deliver_dict {count size width via} {
    set conn [connection $via]
    set payload [payload $size]
    set header {Bench-Number {12345} Bench-Text {some text}}
    expect $count
    set id [$conn subscribe bench.dict -callback receivedDict -dictmsg true]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.dict $payload -header $header }
    vwait ::all_received
    set time [since $begun]
    $conn unsubscribe $id
    return $time
}

# The peer writes as soon as it has answered a PING.
proc flood {count size width via} {
    set conn [connection $via]
    set ids {}
    for {set i 1} {$i < $width} {incr i} { lappend ids [$conn subscribe many.$i -callback received] }
    $conn ping -timeout 0
    expect $count
    lappend ids [$conn subscribe flood.$count.$size.$width -callback received]
    $conn ping -timeout 0
    set begun [clock microseconds]
    vwait ::all_received
    set time [since $begun]
    foreach id $ids { $conn unsubscribe $id }
    $conn ping -timeout 0
    return $time
}

proc subscriptions {count size width via} {
    set conn [connection $via]
    set payload [payload $size]
    for {set i 0} {$i < $width} {incr i} {
        lappend ids [$conn subscribe bench.many.$i -callback received]
        lappend subjects bench.many.$i
    }
    $conn ping -timeout 0
    expect $count
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        $conn publish [lindex $subjects [expr {$i % $width}]] $payload
    }
    vwait ::all_received
    set time [since $begun]
    foreach id $ids { $conn unsubscribe $id }
    $conn ping -timeout 0
    return $time
}

proc request {count size width via} {
    set conn [connection $via]
    set payload [payload $size]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        set start [clock microseconds]
        $conn request bench.echo $payload
        lappend latencies [expr {1000 * ([clock microseconds] - $start)}]
    }
    set time [since $begun]
    return [list $time $latencies]
}

proc request_async {count size width via} {
    global latencies
    set latencies {}
    set conn [connection $via]
    set payload [payload $size]
    set ::to_send [expr {$count - min($count, $width)}]
    expect $count
    set begun [clock microseconds]
    for {set i 0} {$i < min($count, $width)} {incr i} { askNext $conn $payload }
    vwait ::all_received
    set time [since $begun]
    return [list $time $latencies]
}
proc askNext {conn payload} {
    $conn request bench.echo $payload -callback [list answered $conn [clock microseconds]]
}
proc answered {conn start timed_out reply} {
    lappend ::latencies [expr {1000 * ([clock microseconds] - $start)}]
    if {[incr ::to_send -1] >= 0} { askNext $conn $reply }
    countDown
}

proc request_many {count size width via} {
    global latencies
    set latencies {}
    set conn [connection $via]
    set each [expr {max(1, $count / $width)}]
    expect [expr {$each * $width}]
    set begun [clock microseconds]
    for {set i 0} {$i < $width} {incr i} {
        coroutine asker$i askInTurn $conn $each [payload $size]
    }
    vwait ::all_received
    set time [since $begun]
    return [list [expr {$time * $count / ($each * $width)}] $latencies]
}
proc askInTurn {conn count payload} {
    for {set i 0} {$i < $count} {incr i} {
        set start [clock microseconds]
        $conn request bench.echo $payload
        lappend ::latencies [expr {1000 * ([clock microseconds] - $start)}]
        countDown
    }
}

# Only the delivery is timed, of what was read before: WIDTH messages at a time.
proc drain {count size width via} {
    set conn [connection $via -pending_bytes 1000000000]
    set payload [payload $size]
    set id [$conn subscribe bench.drain -callback received]
    set time 0
    for {set left $count} {$left > 0} {incr left -$width} {
        set now [expr {min($left, $width)}]
        set before [dict get [$conn stats] in_msgs]
        for {set i 0} {$i < $now} {incr i} { $conn publish bench.drain $payload }
        while {[dict get [$conn stats] in_msgs] < $before + $now} { after 1 }
        expect $now
        set begun [clock microseconds]
        vwait ::all_received
        incr time [since $begun]
    }
    $conn unsubscribe $id
    return $time
}

# Waiting for all_received alone, not for each: a variable that is waited for is traced.
proc expect {count} { set ::left $count }
proc countDown {} {
    if {[incr ::left -1] == 0} { set ::all_received 1 }
}
proc received {subject message reply} {
    if {[incr ::left -1] == 0} { set ::all_received 1 }
}
proc receivedDict {subject message reply} {
    nats::header get $message Bench-Number
    if {[incr ::left -1] == 0} { set ::all_received 1 }
}
