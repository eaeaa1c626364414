# Who gets what: each kind of thing that is sent has numbers, and all of them must come, once. Needs
# wait.tcl.
#
#   account::expect KIND COUNT     the numbers of so many more, as a list
#   account::expect_too KINDS ID   the same one for others
#   account::arrived KIND ID       may be called before it is expected, where others give the number
#   account::due KIND              how many have not come
#   account::settle KIND           waits until all have come
#   account::lost_at_cut KIND      those that have not come were in flight at a cut, and are forgotten
#   account::total WHAT            of "sent", "received", "in_flight" and "twice"

namespace eval account {
    variable next 0
    variable due                ;# by kind, a dict whose keys are the numbers
    variable surplus            ;# the same of what came and was not expected
    variable totals
    array set totals {sent 0 received 0 in_flight 0 twice 0}
    # After a cut they promise at least once.
    variable may_repeat {fetched continuous}
}

proc account::expect {kind count} {
    variable next
    set ids {}
    for {set i 0} {$i < $count} {incr i} {
        lappend ids [incr next]
        expect_too $kind $next
    }
    return $ids
}

proc account::expect_too {kinds id} {
    variable due
    variable surplus
    variable totals
    foreach kind $kinds {
        dict set due($kind) $id ""
        incr totals(sent)
        if {[info exists surplus($kind)] && [dict exists $surplus($kind) $id]} {
            dict unset surplus($kind) $id
            arrived $kind $id
        }
    }
}

proc account::arrived {kind id} {
    variable due
    variable surplus
    variable totals
    if {[info exists due($kind)] && [dict exists $due($kind) $id]} {
        dict unset due($kind) $id
        incr totals(received)
    } else {
        dict incr surplus($kind) $id
    }
}

proc account::due {kind} {
    variable due
    return [expr {[info exists due($kind)] ? [dict size $due($kind)] : 0}]
}

proc account::settle {kind} {
    variable surplus
    variable totals
    variable may_repeat
    waitfor {[account::due $kind] == 0} 60000
    if {[info exists surplus($kind)] && $kind ni $may_repeat} {
        incr totals(twice) [dict size $surplus($kind)]
    }
    unset -nocomplain surplus($kind)
}

proc account::lost_at_cut {kind} {
    variable due
    variable totals
    incr totals(in_flight) [due $kind]
    set due($kind) {}
}

proc account::total {what} {
    variable totals
    return $totals($what)
}
