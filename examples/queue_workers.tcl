# Work shared by a queue group: each message goes to one of the workers.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set jobs 9

# Three workers; in real life they are processes on three machines.
foreach name {anna ben carla} {
    set worker [nats::connection new $name]
    $worker configure -servers $server
    $worker connect
    $worker subscribe jobs -queue workers -callback [list work $name]
    # When the server has answered, it knows of the subscription.
    $worker ping
    lappend connections $worker
}

proc work {name subject job reply} {
    puts "$name does $job"
    if {[incr ::done] == $::jobs} { set ::finished 1 }
}

set boss [nats::connection new boss]
$boss configure -servers $server
$boss connect
for {set i 1} {$i <= $jobs} {incr i} { $boss publish jobs "job $i" }

vwait finished
foreach connection [concat $connections $boss] { $connection destroy }
