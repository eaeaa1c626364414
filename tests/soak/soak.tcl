# The long run: everything that the package does, over and over in one process, whose memory, threads
# and open files must stay as they are after the warm-up.
#
#   tclsh soak.tcl ?minutes?     (or "make soak", see docs/soak.md)
#
# A round does each kind of work once; what it sent has come before the next begins. The last line is
# "N passed, N failed, N skipped".

set here [file dirname [file normalize [info script]]]
foreach part {server wait} { source [file join $here .. support $part.tcl] }
foreach part {account growth steady visit} { source [file join $here $part.tcl] }
package require nats

# One round of so many has a restart of the server.
set restart_every 20
set visitors {destroy children rename disconnect}

set errors {}
interp bgerror {} {apply {{message details} {
    lappend ::errors "$message\n[dict get $details -errorinfo]"
}}}
foreach counter {objects interpreters threads rounds restarts guests_sent guests_received} {
    set made($counter) 0
}
set has_threads [expr {![catch { package require Thread }]}]

# The warm-up has its time, and a restart of either kind: these need the most memory.
proc main {minutes} {
    global made
    set start [clock milliseconds]
    set warming [expr {min(60, max(15, int($minutes * 20))) * 1000}]
    set length [expr {int($minutes * 60000)}]
    steady::start
    set ::sockets [socket_count]
    set ::objects_at_first [objects]
    set warm ""
    set told $start
    set now $start
    while {$warm eq "" || $now < $warm + $length} {
        round
        rest
        set now [clock milliseconds]
        if {$warm ne ""} {
            growth::sample [expr {min(3, 4 * ($now - $warm) / $length)}]
        } elseif {$now - $start >= $warming && $made(restarts) >= 2} {
            set warm $now
        }
        if {$now - $told >= 10000} {
            set told $now
            tell_progress [expr {($now - $start) / 1000}] [expr {$warm eq ""}]
        }
    }
}

proc round {} {
    global made restart_every visitors
    set how [lindex $visitors [expr {$made(rounds) % [llength $visitors]}]]
    steady::messages
    steady::requests
    steady::stream
    steady::bucket
    steady::reconnect
    visit_here $how
    visit_interpreter $how
    if {$::has_threads} { visit_thread $how }
    if {[incr made(rounds)] % $restart_every == 0} {
        steady::restart
        incr made(restarts)
    }
    if {[llength $::errors]} { error "background errors:\n[join $::errors \n]" }
}

proc count_visit {visit} {
    global made
    incr made(objects) [dict get $visit objects]
    incr made(guests_sent) [dict get $visit sent]
    incr made(guests_received) [dict get $visit received]
}

proc visit_here {how} {
    set visit [visit [server::url $steady::server]]
    count_visit $visit
    leave $visit $how
}

# Every other one is deleted with all that is alive in it.
proc visit_interpreter {how} {
    global made
    set child [interp create]
    foreach command [in_guest] { $child eval $command }
    set visit [$child eval [list visit [server::url $steady::server]]]
    count_visit $visit
    if {$how in {children disconnect}} { $child eval [list leave $visit $how] }
    interp delete $child
    incr made(interpreters)
}

proc visit_thread {how} {
    global made
    set thread [thread::create -joinable]
    foreach command [in_guest] { thread::send $thread $command }
    set visit [thread::send $thread [list visit [server::url $steady::server]]]
    count_visit $visit
    if {$how in {children disconnect}} { thread::send $thread [list leave $visit $how] }
    thread::release $thread
    thread::join $thread
    incr made(threads)
}

# What an interpreter must evaluate to have visits.
proc in_guest {} {
    global here
    set library [lindex [lsearch -inline -index 1 [info loaded] Nats] 0]
    return [list [list load $library Nats] \
        [list source [file join $here .. support wait.tcl]] [list source [file join $here visit.tcl]]]
}

# Sockets linger for a moment after their connection was closed.
proc rest {} { catch { waitfor {[socket_count] <= $::sockets} 3000 } }

proc tell_progress {seconds warming} {
    global made
    puts [format "  %s%s: %d rounds, %s messages, %.1f MiB, %d threads, %d files" \
        [minutes $seconds] [expr {$warming ? " (warming up)" : ""}] $made(rounds) \
        [sum sent] [mebibytes [resident_memory]] [thread_count] [open_file_count]]
    flush stdout
}

proc minutes {seconds} { format %d:%02d [expr {$seconds / 60}] [expr {$seconds % 60}] }
proc mebibytes {bytes} { expr {$bytes / 1048576.0} }

# What was sent or received, by all.
proc sum {what} { expr {[account::total $what] + $::made(guests_$what)} }

# How many objects there are of all classes.
proc objects {} {
    set count 0
    foreach class [info commands ::nats::*] {
        if {[info object isa object $class] && [info object isa class $class]} {
            incr count [llength [info class instances $class]]
        }
    }
    return $count
}

# The last figures, and what they must be.
proc report {failure} {
    global made
    set lost [expr {[sum sent] - [sum received] - [account::total in_flight]}]
    set left [expr {[objects] - $::objects_at_first}]
    check "the work went on to its end" $failure
    check "nothing is lost" [expr {$lost ? "$lost messages" : ""}]
    check "nothing comes twice" [expr {[account::total twice] ? "[account::total twice] messages" : ""}]
    set certain [steady::certainly_in_flight]
    check "at least $certain messages were in flight at a cut" \
        [expr {[account::total in_flight] < $certain ? "only [account::total in_flight]" : ""}]
    check "no object is left behind" [expr {$left ? "$left objects" : ""}]
    set before [set after 0]
    check "each quarter of the time has samples" [expr {[growth::measured] ? "" : "too short"}]
    if {[growth::measured]} {
        lassign [growth::medians memory] before - - after
        foreach name {memory threads files} { check_growth $name }
    }
    puts [format "soak: %d messages sent, %d received, %d in flight at a cut, lost %d; %d reconnects,\
            %d restarts of the server, %d objects, %d interpreters, %d threads;\
            memory %.1f \u2192 %.1f MiB; leaks %d" [sum sent] [sum received] [account::total in_flight] $lost \
        [steady::reconnects] $made(restarts) $made(objects) $made(interpreters) $made(threads) \
        [mebibytes $before] [mebibytes $after] $::leaks]
    puts "$::passed passed, $::failed failed, [expr {!$::has_threads}] skipped"
}

proc check {what trouble} {
    if {$trouble eq ""} {
        incr ::passed
        puts "ok   $what"
    } else {
        incr ::failed
        puts "FAIL $what: $trouble"
    }
}

proc check_growth {name} {
    set excess [growth::excess $name]
    if {$excess} { incr ::leaks }
    check "$name: medians of the quarters [growth::medians $name]" \
        [expr {$excess ? "grown by $excess more than is allowed" : ""}]
}

fconfigure stdout -encoding utf-8
foreach counter {passed failed leaks} { set $counter 0 }
set failed_by ""
try {
    main [expr {$argc ? [lindex $argv 0] : 10}]
} on error {- details} {
    set failed_by [dict get $details -errorinfo]
}
report $failed_by
server::remove $steady::server
exit [expr {$failed > 0}]
