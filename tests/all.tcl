# Runs test files, each in a process of its own, and sums up:
#
#   tclsh tests/all.tcl ?-timeout seconds? ?-jobs number? ?pattern …?
#
# A pattern names files as in "delivery.test" or "js_*"; without one all files run. The last line
# is "N passed, N failed, N skipped", and the exit code is 1 when anything failed. A file that
# crashes, gives no summary or does not end in time counts as one failure, and the report names
# the test that was running. Lines of figures, as in "faults: …", are passed on.

set here [file dirname [file normalize [info script]]]

proc main {arguments} {
    global here queue limit total
    set jobs 1
    set limit 600
    while {[string match -* [lindex $arguments 0]]} {
        set arguments [lassign $arguments option value]
        switch -- $option {
            -timeout { set limit $value }
            -jobs    { set jobs $value }
            default  { error "unknown option $option: should be -timeout or -jobs" }
        }
    }
    set queue [testFiles $arguments]
    if {![llength $queue]} { error "no test files match $arguments" }
    array set total {passed 0 failed 0 skipped 0}
    puts "Tcl [info patchlevel], [llength $queue] test files"
    for {set i 0} {$i < $jobs} {incr i} { startNext }
    vwait ::finished
    puts "$total(passed) passed, $total(failed) failed, $total(skipped) skipped"
    exit [expr {$total(failed) > 0}]
}

proc testFiles {patterns} {
    global here
    if {![llength $patterns]} { set patterns *.test }
    set files {}
    foreach pattern $patterns {
        lappend files {*}[glob -nocomplain -directory $here -- $pattern]
    }
    return [lsort -unique $files]
}

proc startNext {} {
    global queue limit running
    if {![llength $queue]} {
        if {![array size running]} { set ::finished 1 }
        return
    }
    set queue [lassign $queue file]
    set folder [temporaryFolder $file]
    # A session of its own makes the process and all it starts one group, which can be ended as a
    # whole.
    set pipe [open |[list setsid [info nameofexecutable] $file \
        -verbose {start pass skip body error} -tmpdir $folder </dev/null 2>@1] r]
    fconfigure $pipe -blocking 0
    set running($pipe) [dict create file $file folder $folder output "" \
        started [clock milliseconds] \
        timer [after [expr {$limit * 1000}] [list finish $pipe 1]]]
    fileevent $pipe readable [list collect $pipe]
}

proc temporaryFolder {file} {
    close [file tempfile path]
    file delete $path
    file mkdir $path
    return $path
}

proc collect {pipe} {
    global running
    dict append running($pipe) output [read $pipe]
    if {[eof $pipe]} { finish $pipe 0 }
}

proc finish {pipe hung} {
    global running limit
    set run $running($pipe)
    unset running($pipe)
    after cancel [dict get $run timer]
    # Also ends what the file has left behind.
    catch {exec kill -KILL -- -[pid $pipe] 2>/dev/null}
    fconfigure $pipe -blocking 1
    set ending [expr {$hung ? "did not end within $limit s" : [endOf $pipe]}]
    if {$hung} { catch {close $pipe} }
    file delete -force [dict get $run folder]
    report $run $ending
    startNext
}

# How a process ended: "" when well, else in words.
proc endOf {pipe} {
    try {
        close $pipe
    } trap CHILDKILLED {- details} {
        return "was ended by [lindex [dict get $details -errorcode] 2]"
    } trap CHILDSTATUS {- details} {
        return "ended with exit code [lindex [dict get $details -errorcode] 2]"
    }
    return ""
}

proc report {run ending} {
    global total
    set output [dict get $run output]
    set counts [countTests $output $ending]
    dict for {what number} $counts { incr total($what) $number }
    set bad [expr {[dict get $counts failed] > 0}]
    puts [format "%-4s %-28s %4d passed, %d failed, %d skipped  (%.1f s)" \
        [expr {$bad ? "FAIL" : "ok"}] [file tail [dict get $run file]] \
        {*}[dict values $counts] [expr {([clock milliseconds] - [dict get $run started]) / 1000.0}]]
    if {$bad} { puts [indent [withoutProgress $output]] }
    # What a file counts besides its tests.
    foreach line [regexp -all -inline -line {^(?:faults|hostile|fuzz|memory): .*$} $output] { puts "     $line" }
    foreach {- test reason} [regexp -all -inline -line {^\+\+\+\+ (\S+) SKIPPED: (.*)$} $output] {
        puts "     skipped $test: $reason"
    }
    if {$ending ne ""} { puts "     the file $ending[lastTest $output]" }
    flush stdout
}

# A dict of passed, failed and skipped. Without tcltest's own summary the test lines are counted.
proc countTests {output ending} {
    if {[regexp {Total\t(\d+)\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)} $output \
            - all passed skipped failed]} {
        # A file without any test proves nothing, and one that dies after its summary is not well.
        incr failed [expr {$all == 0 || ($ending ne "" && $failed == 0)}]
    } else {
        set passed [regexp -all -line {^\+\+\+\+ \S+ PASSED$} $output]
        set skipped [regexp -all -line {^\+\+\+\+ \S+ SKIPPED: } $output]
        set failed [expr {[regexp -all -line {^==== \S+ FAILED$} $output] + 1}]
    }
    return [dict create passed $passed failed $failed skipped $skipped]
}

proc withoutProgress {output} {
    set lines {}
    foreach line [split $output \n] {
        if {![regexp {^(---- \S+ start|\+\+\+\+ )} $line]} { lappend lines $line }
    }
    return [string trim [join $lines \n] \n]
}

proc lastTest {output} {
    set started [regexp -all -inline -line {^---- (\S+) start$} $output]
    if {![llength $started]} { return ", before its first test" }
    return "; the last test started was [lindex $started end]"
}

proc indent {text} {
    return "     [string map [list \n "\n     "] $text]"
}

main $argv
