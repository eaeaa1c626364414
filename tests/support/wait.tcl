# Waiting for conditions, child shells, and the memory of processes.

# The time limits of waits are there so that a failure is told at all. None of them says how fast
# something must be: a busy machine may stand still for seconds.
#
# Where all is slower, as under valgrind, $env(NATS_TEST_PATIENCE) multiplies them.
set ::patience [expr {[info exists ::env(NATS_TEST_PATIENCE)] ? $::env(NATS_TEST_PATIENCE) : 1}]

# Serves events until the expression is true where the caller is, e.g.
#   waitfor {[llength $got] == 3}
# An error names the expression that did not come true within timeout (ms).
proc waitfor {condition {timeout 60000}} {
    set deadline [expr {[clock milliseconds] + $timeout * $::patience}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} {
            set seen [catch {uplevel 1 [list subst $condition]} values]
            return -code error -errorcode {WAITFOR TIMEOUT} \
                "after $timeout ms still not: $condition[expr {$seen ? "" : " (now: $values)"}]"
        }
        after 5 {set ::waitfor_tick 1}
        vwait ::waitfor_tick
    }
}

# Like waitfor, but without serving any event: the interpreter is busy, as far as others can see.
proc holdfor {condition {timeout 60000}} {
    set deadline [expr {[clock milliseconds] + $timeout * $::patience}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} {
            return -code error -errorcode {WAITFOR TIMEOUT} \
                "after $timeout ms without events still not: $condition"
        }
        after 2
    }
}

# Runs a script in a new process of this very shell, while this process serves events. The result
# is a dict:
#   exit      exit code, empty when a signal ended it
#   signal    name of that signal, as in SIGSEGV, else empty
#   timedout  whether it was killed after timeout (ms)
#   stdout, stderr
# Options: -args list, -timeout ms (120000), -encoding name, -through list (a command that runs the
# one given to it as further arguments).
proc run_script {script args} {
    set options [dict merge {-args {} -timeout 120000 -encoding utf-8 -through {}} $args]
    set files [list [WriteTemporary $script] [WriteTemporary ""]]
    lassign $files source errors
    try {
        set pipe [open |[list {*}[dict get $options -through] [info nameofexecutable] $source \
            {*}[dict get $options -args] 2> $errors] r]
        fconfigure $pipe -blocking 0 -encoding [dict get $options -encoding]
        set timedout [CollectOutput $pipe [expr {[dict get $options -timeout] * $::patience}] output]
        if {$timedout} { exec kill -KILL {*}[pid $pipe] }
        fconfigure $pipe -blocking 1
        lassign [CloseStatus $pipe] exit signal
        return [dict create exit $exit signal $signal timedout $timedout \
            stdout $output stderr [ReadFile $errors [dict get $options -encoding]]]
    } finally {
        file delete {*}$files
    }
}

# Resident memory of a process, in bytes.
proc resident_memory {{process ""}} {
    if {$process eq ""} { set process [pid] }
    set status [ReadFile /proc/$process/status utf-8]
    if {![regexp {VmRSS:\s+(\d+) kB} $status -> kilobytes]} {
        error "no resident memory known of process $process"
    }
    return [expr {$kilobytes * 1024}]
}

# Number of threads of this process.
proc thread_count {} { llength [glob -directory /proc/[pid]/task *] }

# Number of open files of this process.
proc open_file_count {} { llength [glob -directory /proc/[pid]/fd *] }

# Number of open sockets of this process.
proc socket_count {} {
    llength [lsearch -all [lmap file [glob -directory /proc/[pid]/fd *] {
        expr {[catch { file readlink $file } target] ? "" : $target}
    }] socket:*]
}

# Reads until the end or the timeout; tells whether it was the timeout.
proc CollectOutput {pipe timeout outputVar} {
    upvar 1 $outputVar output
    set ::run_script($pipe) waiting
    set ::run_script($pipe,output) ""
    fileevent $pipe readable [list OnOutput $pipe]
    set timer [after $timeout [list set ::run_script($pipe) timeout]]
    while {$::run_script($pipe) eq "waiting"} { vwait ::run_script($pipe) }
    after cancel $timer
    set timedout [expr {$::run_script($pipe) eq "timeout"}]
    set output $::run_script($pipe,output)
    fileevent $pipe readable {}
    array unset ::run_script $pipe*
    return $timedout
}

proc OnOutput {pipe} {
    append ::run_script($pipe,output) [read $pipe]
    if {[eof $pipe]} { set ::run_script($pipe) done }
}

proc CloseStatus {pipe} {
    try {
        close $pipe
    } trap CHILDSTATUS {- details} {
        return [list [lindex [dict get $details -errorcode] 2] ""]
    } trap CHILDKILLED {- details} {
        return [list "" [lindex [dict get $details -errorcode] 2]]
    }
    return {0 ""}
}

proc WriteTemporary {text} {
    set channel [file tempfile path]
    fconfigure $channel -encoding utf-8
    puts -nonewline $channel $text
    close $channel
    return $path
}

proc ReadFile {path encoding} {
    set channel [open $path]
    fconfigure $channel -encoding $encoding
    try { read $channel } finally { close $channel }
}
