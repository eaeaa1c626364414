# Counts the instructions of what is deterministic and compares them with the recorded ones, so that
# a change which makes the package slower is seen without a stopwatch.
#
#   tclsh8.6 benches/guard/guard.tcl ?-record? ?-only patterns?     (or "make bench-guard")
#
# Counted are the calls of native functions by Tcl with all that they call: methods, one event each
# for what was received, and the network thread's reading. Each is run N and 2N times; the difference
# is free of the start. More than 5 % above its baseline fails; -record writes new baselines.
# Baselines hold for the tools they name: with others nothing is compared, and one line says so.

set here [file dirname [file normalize [info script]]]
set baselines [file join $here baselines]
set tolerance 1.05

set method {nats::tcl::class::method_entry*}
set command {nats::tcl::command::*}
set event {nats::tcl::notifier::serve}
set reading {nats::client::session::*digest*}

# Name, work of work.tcl, function that is counted, N.
set measures [list \
    publish        publish        $method  1000 \
    publish_header publish_header $method  1000 \
    publish_msg    publish_msg    $method  1000 \
    request        request        $method  1000 \
    subscribe      subscribe      $method  1000 \
    read_command   header_get     $command 500 \
    read           deliver        $reading 1000 \
    read_many      deliver_many   $reading 1000 \
    read_header    deliver_header $reading 1000 \
    deliver        deliver        $event   1000 \
    deliver_many   deliver_many   $event   1000 \
    deliver_dict   deliver_dict   $event   1000 \
    deliver_header deliver_header $event   1000 \
]

# What one message costs on both threads, with one subscription and with many: the latter may be so
# many times the former.
set growth {{read deliver} {read_many deliver_many} 1.2}

proc main {arguments} {
    global measures growth tolerance
    set patterns *
    set record 0
    while {[llength $arguments]} {
        set arguments [lassign $arguments option]
        switch -- $option {
            -record { set record 1 }
            -only   { set arguments [lassign $arguments patterns] }
            default { error "unknown option $option: should be -record or -only" }
        }
    }
    if {![llength [auto_execok valgrind]]} { skip "there is no valgrind (see scripts/prepare)" }
    set tools [tools]
    lassign [read_baselines] recorded_tools recorded
    if {!$record && $tools ne $recorded_tools} {
        skip "the baselines are for [join $recorded_tools {, }]; this is [join $tools {, }]"
    }
    set port [start_peer]
    set failed 0
    set compared 0
    foreach {name work function n} $measures {
        if {1 ni [lmap pattern $patterns { string match $pattern $name }]} continue
        set counted [expr {double([count $work [expr {2 * $n}] $function $port]
            - [count $work $n $function $port]) / $n}]
        dict set counts $name [expr {round($counted)}]
        if {$record} continue
        incr failed [expr {![compare $name [dict get $counts $name] [baseline $name $recorded] $tolerance]}]
        incr compared
    }
    if {$record} { return [write_baselines $tools [dict merge $recorded $counts]] }
    lassign $growth one many most
    if {$patterns eq "*"} {
        set sums [list [sum $counts $many] [sum $counts $one]]
        incr failed [expr {![compare "growth with subscriptions" {*}$sums $most]}]
        incr compared
    }
    puts "[expr {$compared - $failed}] passed, $failed failed, 0 skipped"
    exit [expr {$failed > 0}]
}

proc skip {reason} {
    puts "skipped: $reason"
    puts "0 passed, 0 failed, 1 skipped"
    exit
}

# Whatever decides on the number of instructions.
proc tools {} {
    regexp {rustc (\S+)} [exec rustc --version] -> rust
    return [list [string map {- " "} [exec valgrind --version]] "rustc $rust" "Tcl [info patchlevel]" \
        "[exec uname -m]"]
}

proc start_peer {} {
    global here
    set ::peer [open |[list [info nameofexecutable] [file join $here .. peer.tcl]] r+]
    return [gets $::peer]
}

# Instructions of all calls of the function. What it counts as one function stands still when the
# thread changes, so that other threads do not matter.
proc count {work times function port} {
    global here
    close [file tempfile profile]
    try {
        set output [exec -ignorestderr valgrind --tool=callgrind --callgrind-out-file=$profile \
            --toggle-collect=$function \
            [info nameofexecutable] [file join $here work.tcl] $work $times $port 2>@1]
    } finally {
        file delete $profile
    }
    if {![regexp {Collected : (\d+)} $output -> collected] || $collected == 0} {
        error "nothing was counted of $work in $function:\n$output"
    }
    return $collected
}

proc baseline {name recorded} {
    if {![dict exists $recorded $name]} { error "no baseline for $name: record one with -record" }
    return [dict get $recorded $name]
}

# Whether the count is at most so many times another one.
proc compare {name counted other most} {
    set well [expr {$counted <= $other * $most}]
    puts [format "%-4s %s: %d instructions, %+.1f %% of %d (at most %+.0f %%)" [expr {$well ? "ok" : "FAIL"}] \
        $name $counted [expr {100.0 * $counted / $other - 100}] $other [expr {100 * $most - 100}]]
    return $well
}

proc sum {counts names} {
    tcl::mathop::+ {*}[lmap name $names { dict get $counts $name }]
}

# The first line names the tools, each other one a measure and its instructions.
proc read_baselines {} {
    global baselines
    if {![file exists $baselines]} { return {{} {}} }
    set channel [open $baselines]
    gets $channel tools
    set recorded [read $channel]
    close $channel
    return [list $tools [list {*}$recorded]]
}

proc write_baselines {tools counts} {
    global baselines
    set channel [open $baselines w]
    puts $channel $tools
    dict for {name count} $counts { puts $channel "$name $count" }
    close $channel
}

main $argv
