# JetStream in the column "nats". The stream is filled before the time is taken.

proc js_publish {count size width via} {
    set js [filled_stream 0 $size $via]
    set payload [payload $size]
    set time [elapsed {
        for {set i 0} {$i < $count} {incr i} { $js publish bench.stream $payload }
    }]
    $js destroy
    return $time
}

proc js_publish_async {count size width via} {
    set js [filled_stream 0 $size $via -max_pending $width]
    set payload [payload $size]
    set ::left $count
    set time [elapsed {
        for {set i 0} {$i < $count} {incr i} { $js publish bench.stream $payload -callback stored }
        vwait ::done
    }]
    $js destroy
    return $time
}

proc stored {timedOut ack error} {
    if {$timedOut || $error ne ""} { error "a message was not stored: $error" }
    consumed $ack
}

proc fetch {count size width via} {
    set js [filled_stream $count $size $via]
    $js add_pull_consumer BENCH fetcher
    set time [elapsed {
        for {set fetched 0} {$fetched < $count} {incr fetched [llength $messages]} {
            set messages [$js fetch BENCH fetcher -batch_size $width]
            foreach message $messages { $js ack $message }
        }
    }]
    $js destroy
    return $time
}

# From the creation of the consumer until the callback has everything.
proc ordered {count size width via} {
    set js [filled_stream $count $size $via]
    set ::left $count
    set time [elapsed {
        set consumer [$js ordered_consumer BENCH -callback consumed]
        vwait ::done
    }]
    $js destroy
    return $time
}

proc continuous {count size width via} {
    set js [filled_stream $count $size $via]
    $js add_pull_consumer BENCH puller
    set ::left $count
    set time [elapsed {
        set subscription [$js subscribe_consumer BENCH puller -callback [list acknowledged $js]]
        vwait ::done
    }]
    $js destroy
    return $time
}

proc consumed {message} { if {[incr ::left -1] == 0} { set ::done 1 } }

proc acknowledged {js message} {
    $js ack $message
    consumed $message
}

# A jet_stream object with these options, with that many messages in the stream BENCH.
proc filled_stream {count size via args} {
    set conn [connection $via]
    set js [$conn jet_stream -timeout 60000 {*}$args]
    catch { $js delete_stream BENCH }
    $js add_stream BENCH -subjects bench.stream -storage memory
    set payload [payload $size]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.stream $payload }
    $conn ping -timeout 60000
    return $js
}
