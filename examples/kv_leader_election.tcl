# Leader election: whoever creates the key leads until it expires. Three candidates stand here in
# one process; usually each is a process of its own. Needs a server with JetStream, 2.11 or newer.
package require nats

set url [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new]
$conn configure -servers $url
$conn connect
set js [$conn jet_stream]

# A term of office in milliseconds, and the pause between two attempts to get one.
set term 1000
set pause 200

try {
    set kv [$js create_kv_bucket election -limit_markers 5000 -storage memory]
} trap {NATS ErrUnsupported} message {
    puts "No election: keys that expire came with NATS server 2.11, this is\
        [dict get [$conn server_info] version] ($message)."
    $conn destroy
    exit
}

# Each candidate tries until it has led for one term.
proc candidate {name} {
    while 1 {
        try {
            $::kv create leader $name -ttl $::term
            puts "$name leads"
            break
        } trap {NATS ErrWrongLastSequence} {} {
            # Somebody leads.
            after $::pause [info coroutine]
            yield
        } trap {NATS ErrTimeout} {} {
            # Perhaps it was created all the same: then it expires, and somebody is next.
            puts "$name does not know whether it leads, so it does not"
        }
    }
    incr ::candidates -1
}

set candidates 3
foreach name {Ann Bob Cleo} { coroutine candidate$name candidate $name }
while {$candidates > 0} { vwait candidates }

$js delete_kv_bucket election
$conn destroy
