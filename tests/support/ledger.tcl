# What becomes of messages while connections break, by their numbers.
#
#   ledger::open $name                   begins an account
#   ledger::sent $name $number $firm     a message was accepted for sending; numbers ascend. A firm
#                                        one must arrive; any other may be lost with the connection
#                                        that it went to, it is then counted as in flight
#   ledger::got $name $number            it has arrived
#   ledger::secure $name                 all that was sent has had its chance: what has come is
#                                        settled, and what has not is counted as in flight or lost
#   ledger::discarded $name $count       so many of what was sent last were given up, and the
#                                        connection has said so
#   ledger::close $name                  secure, and the end of the account. Returns what is wrong:
#                                        lost, twice or out of order; {} if nothing is
#   ledger::injected ?count?             so many faults were brought about
#   ledger::report                       prints the figures of this process in one line
#
# The runner shows that line, see ../all.tcl.

namespace eval ledger {
    variable figures {injected 0 sent 0 received 0 flying 0 discarded 0 lost 0}
    # Per account: what is neither settled nor counted yet, number -> firm; the last number that
    # came; and complaints.
    variable pending
    variable latest
    variable complaints
}

proc ledger::open {name} {
    variable pending
    variable latest
    variable complaints
    set pending($name) {}
    set latest($name) -1
    set complaints($name) {}
}

proc ledger::sent {name number firm} {
    variable pending
    Count sent
    dict set pending($name) $number $firm
}

# What is no longer pending was here before, or was counted as gone.
proc ledger::got {name number} {
    variable pending
    variable latest
    if {![dict exists $pending($name) $number]} {
        return [Complain $name "$number came once more, or after its end"]
    }
    if {$number < $latest($name)} { Complain $name "$number came after $latest($name)" }
    set latest($name) $number
    dict unset pending($name) $number
    Count received
}

proc ledger::secure {name} {
    variable pending
    dict for {number firm} $pending($name) {
        if {$firm} { Complain $name "$number is lost" }
        Count [expr {$firm ? "lost" : "flying"}]
    }
    set pending($name) {}
}

proc ledger::discarded {name count} {
    variable pending
    set last [lrange [dict keys $pending($name)] end-[expr {$count - 1}] end]
    if {[llength $last] != $count} {
        Complain $name "$count were given up, but only [llength $last] can be"
    }
    foreach number $last { dict unset pending($name) $number }
    Count discarded [llength $last]
}

proc ledger::close {name} {
    variable complaints
    secure $name
    return $complaints($name)[unset complaints($name)]
}

proc ledger::injected {{count 1}} { Count injected $count }

proc ledger::report {} {
    variable figures
    dict with figures {
        puts "faults: $injected injected, $sent sent, $received received,\
            $flying in flight at a cut, $discarded given up and told, $lost lost"
    }
}

proc ledger::Count {what {count 1}} {
    variable figures
    dict incr figures $what $count
}

proc ledger::Complain {name text} {
    variable complaints
    lappend complaints($name) "$name: $text"
}
