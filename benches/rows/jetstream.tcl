# JetStream in the column "nats". The stream is filled before the time is taken.

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

# A jet_stream object, with that many messages in the stream BENCH.
proc filled_stream {count size via} {
    set conn [connection $via]
    set js [$conn jet_stream -timeout 60000]
    catch { $js delete_stream BENCH }
    $js add_stream BENCH -subjects bench.stream -storage memory
    set payload [payload $size]
    for {set i 0} {$i < $count} {incr i} { $conn publish bench.stream $payload }
    $conn ping -timeout 60000
    return $js
}
