# JetStream in the column "nats". Streams are in memory: the disk is not what is measured.

proc js_publish {count size width via} {
    set js [freshStream $via]
    set payload [payload $size]
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        set start [clock microseconds]
        $js publish bench.stream $payload
        lappend latencies [expr {1000 * ([clock microseconds] - $start)}]
    }
    set time [since $begun]
    return [list $time $latencies]
}

proc js_publish_async {count size width via} {
    set js [freshStream $via -max_pending $width]
    set payload [payload $size]
    expect $count
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} { $js publish bench.stream $payload -callback stored }
    vwait ::all_received
    since $begun
}
proc stored {timed_out ack error} { countDown }

# WIDTH messages at a time, each acknowledged as it comes.
proc js_fetch {count size width via} {
    set js [filledStream $via $count $size]
    $js add_pull_consumer BENCH FETCH -ack_policy explicit -max_ack_pending -1
    expect $count
    set begun [clock microseconds]
    fetchNext $js $width
    vwait ::all_received
    [connection $via] ping -timeout 0
    since $begun
}
proc fetchNext {js width} {
    set ::batch [expr {min($width, $::left)}]
    $js fetch BENCH FETCH -batch_size $::batch -timeout 10000 -callback [list fetched $js $width]
}
proc fetched {js width timedOut message} {
    $js ack $message
    countDown
    if {[incr ::batch -1] == 0 && $::left > 0} { fetchNext $js $width }
}

# As a list, WIDTH messages at a time; then each is acknowledged.
proc js_fetch_list {count size width via} {
    set js [filledStream $via $count $size]
    $js add_pull_consumer BENCH FETCH -ack_policy explicit -max_ack_pending -1
    set conn [connection $via]
    set begun [clock microseconds]
    for {set left $count} {$left > 0} {incr left -[llength $messages]} {
        set messages [$js fetch BENCH FETCH -batch_size [expr {min($width, $left)}] -timeout 10000]
        foreach message $messages { $js ack $message }
    }
    $conn ping -timeout 0
    since $begun
}

proc js_continuous {count size width via} {
    set js [filledStream $via $count $size]
    $js add_pull_consumer BENCH ON -ack_policy explicit -max_ack_pending -1
    expect $count
    set begun [clock microseconds]
    set subscription [$js subscribe_consumer BENCH ON -callback [list work $js]]
    vwait ::all_received
    [connection $via] ping -timeout 0
    set time [since $begun]
    $subscription destroy
    return $time
}
proc work {js message} {
    $js ack $message
    countDown
}

proc js_ordered {count size width via} {
    set js [filledStream $via $count $size]
    expect $count
    set begun [clock microseconds]
    set consumer [$js ordered_consumer BENCH -callback ordered]
    vwait ::all_received
    set time [since $begun]
    $consumer destroy
    return $time
}

proc ordered {message} { countDown }

proc freshStream {via args} {
    set js [stream_context $via {*}$args]
    catch {$js delete_stream BENCH}
    $js add_stream BENCH -subjects bench.stream -storage memory
    return $js
}

proc filledStream {via count size} {
    set js [freshStream $via]
    set conn [connection $via]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.stream [payload $size] }
    while {[dict get [$js stream_info BENCH] state messages] < $count} { after 5 }
    return $js
}

proc stream_context {via args} {
    global contexts
    if {![info exists contexts($args)]} { set contexts($args) [[connection $via] jet_stream {*}$args] }
    return $contexts($args)
}
