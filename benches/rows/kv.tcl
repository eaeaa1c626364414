# The key-value store in the column "nats"; the bucket is in memory.

proc kv_put {count size width via} {
    set kv [filledBucket $via $size]
    set payload [payload $size]
    timeEach $count { $kv put key.[expr {$i % 100}] $payload }
}

proc kv_get {count size width via} {
    set kv [filledBucket $via $size]
    timeEach $count { $kv get_value key.[expr {$i % 100}] }
}

proc kv_keys {count size width via} {
    set kv [filledBucket $via $size $count]
    set begun [clock microseconds]
    $kv keys
    since $begun
}

proc kv_watch {count size width via} {
    set kv [filledBucket $via $size $count]
    expect $count
    set begun [clock microseconds]
    set watcher [$kv watch > -callback updated]
    vwait ::all_received
    set time [since $begun]
    $watcher destroy
    return $time
}
proc updated {entry} {
    if {$entry eq ""} return
    dict get $entry value
    countDown
}

# Runs the script where the caller is, with i counting, and takes the time of each.
proc timeEach {count script} {
    upvar 1 i i
    set begun [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
        set start [clock microseconds]
        uplevel 1 $script
        lappend latencies [expr {1000 * ([clock microseconds] - $start)}]
    }
    set time [since $begun]
    return [list $time $latencies]
}

proc filledBucket {via size {keys 100}} {
    set js [stream_context $via]
    catch {$js delete_kv_bucket BENCH}
    set kv [$js create_kv_bucket BENCH -storage memory]
    set conn [connection $via]
    for {set i 0} {$i < $keys - 1} {incr i} { $conn publish \$KV.BENCH.key.$i [payload $size] }
    $kv put key.$i [payload $size]
    return $kv
}
