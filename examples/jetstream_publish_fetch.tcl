# Work that is not lost: tasks go into a stream, workers fetch them in batches and say how it went.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new]
$conn configure -servers $server
$conn connect
set js [$conn jet_stream -max_pending 50]
catch {$js delete_stream EXAMPLE_TASKS}
$js add_stream EXAMPLE_TASKS -subjects example.tasks.> -storage memory
$js add_pull_consumer EXAMPLE_TASKS worker -ack_wait 2000 -max_deliver 3

# One task, waiting for the stream to have it. The ID makes it safe to send it twice.
puts "stored:     [$js publish example.tasks.wash dishes -msg_id task-1]"
puts "once more:  [$js publish example.tasks.wash dishes -msg_id task-1]"

# Many tasks without waiting, at most 50 on their way.
proc stored {timedOut ack error} {
    if {$timedOut || $error ne ""} { puts "not stored: $error" }
    if {[incr ::answers] == 200} { set ::all_stored 1 }
}
for {set i 0} {$i < 200} {incr i} {
    $js publish example.tasks.wash "plate $i" -callback stored
}
vwait all_stored
puts "in all:     [dict get [$js stream_info EXAMPLE_TASKS] state messages]"

# A worker: batches of up to 100. The second dish is given back once, for later.
set done 0
while {[llength [set batch [$js fetch EXAMPLE_TASKS worker -batch_size 100 -timeout 2000]]]} {
    foreach msg $batch {
        set about [nats::metadata $msg]
        if {[dict get $about stream_seq] == 2 && [dict get $about num_delivered] == 1} {
            $js nak $msg -delay 100
            continue
        }
        $js ack $msg
        incr done
    }
    puts "worker:     $done done, [dict get $about num_pending] left"
}

# The same in the background. Nothing is left, which the last call says.
proc arrived {timedOut msg} {
    puts "background: [nats::header lookup $msg Description {no answer}]"
    set ::over 1
}
$js fetch EXAMPLE_TASKS worker -batch_size 10 -timeout 5000 -expires 1000 -callback arrived
vwait over

$js delete_stream EXAMPLE_TASKS
$conn destroy
