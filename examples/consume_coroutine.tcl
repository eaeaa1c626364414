# Continuous consumption in coroutines: each reads as if it did nothing else, and all go on at once.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new consume_coroutine]
$conn configure -servers $server
$conn connect
set js [$conn jet_stream]

$js add_stream MAIL -subjects mail.* -storage memory

# Takes the mail of one person until there is none for half a second.
proc reader {person} {
    global js
    $js add_pull_consumer MAIL $person -filter_subject mail.$person
    set mail [$js subscribe_consumer MAIL $person]
    try {
        while 1 {
            set message [$mail next -timeout 500]
            puts "$person reads: [nats::msg data $message]"
            $js ack $message
        }
    } trap {NATS ErrTimeout} {} {
        puts "$person has read everything"
    } finally {
        $mail destroy
        incr ::finished
    }
}

set finished 0
foreach person {Ann Bob} { coroutine reading-$person reader $person }
$js publish mail.Ann "Hello"
$js publish mail.Ann "How are you?"
while {$finished < 2} { vwait finished }
$js delete_stream MAIL
$conn destroy
