# Inside a coroutine a blocking call waits without holding anybody up: straight-line code, many
# conversations at a time.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new coroutines]
$conn configure -servers $server
$conn connect

# A service that needs longer for larger numbers.
$conn subscribe square -callback {apply {{subject n reply} {
    after [expr {$n * 20}] [list $::conn publish $reply [expr {$n * $n}]]
}}}

proc ask {conn n} {
    set square [$conn request square $n]
    puts "$n * $n = $square"
    # A second question, after the first was answered.
    puts "$n to the fourth is [$conn request square $square -timeout 5000]"
    incr ::answered
}

# All are asked at once; the quickest answer comes first.
foreach n {3 1 2} { coroutine ask-$n ask $conn $n }
puts "asked three"
while {![info exists answered] || $answered < 3} { vwait answered }
$conn destroy
