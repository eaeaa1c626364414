# For the processes, threads and interpreters in which things end, over and over, at the wrong
# moment. The variable url tells the server; see `ending` for how a test runs a script with this.

# The process has loaded the library.
load {} Nats
set ends_file [file normalize [info script]]
source [file join [file dirname $ends_file] wait.tcl]

# Background errors are kept as pairs of error code and message.
set background_errors {}
interp bgerror {} keep_error
proc keep_error {message details} {
    lappend ::background_errors [list [dict get $details -errorcode] $message]
}

# A connection to the server. Extra arguments are for configure.
proc connected {args} {
    set connection [nats::connection new]
    $connection configure -servers $::url -connect_timeout 60000 {*}$args
    $connection connect
    return $connection
}

# A connection with callbacks, requests and waits of all kinds pending.
proc pending {} {
    set ::pending [connected]
    $::pending subscribe burst -callback list
    $::pending subscribe silent -callback list
    for {set i 0} {$i < 50} {incr i} { $::pending publish burst $i }
    $::pending request silent x -callback list
    $::pending request silent x -callback list -max_msgs 3
    coroutine single apply {{} { catch { $::pending request silent x } }}
    coroutine several apply {{} { catch { $::pending request silent x -max_msgs 2 } }}
    coroutine pinging apply {{} { catch { $::pending ping } }}
    return $::pending
}

# What another interpreter or thread must evaluate to have all this, too.
proc same_here {} {
    return [list [list set url $::url] [list source $::ends_file]]
}

# A new interpreter with all this, which can delete itself.
proc child_interp {} {
    set child [interp create]
    foreach command [same_here] { $child eval $command }
    $child alias delete_me interp delete $child
    return $child
}

# Evaluates a script at global level over and over: first `warm` times, then `loops` times in
# which the process must not grow: by no thread or open file, and by no more memory than `slack`
# bytes. Says "done", or what grew. Memory takes its time to settle, so there are up to three
# rounds; a leak shows in each of them.
proc repeat {script {loops 200} {slack 400000} {warm 30}} {
    set ::sockets_at_first [socket_count]
    RunAtGlobalLevel $script $warm
    for {set round 1} {$round <= 3} {incr round} {
        set before [Usage]
        RunAtGlobalLevel $script $loops
        lassign [lmap after [Usage] was $before { expr {$after - $was} }] memory threads files
        if {$memory <= $slack && $threads <= 0 && $files <= 0} { puts done; return }
    }
    puts "grown by $memory bytes, $threads threads, $files files in $loops loops"
}

proc RunAtGlobalLevel {script times} {
    for {set i 0} {$i < $times} {incr i} { uplevel #0 $script }
}

# Sockets linger for a moment after their connection is closed.
proc Usage {} {
    catch { waitfor {[socket_count] <= $::sockets_at_first} 5000 }
    return [list [resident_memory] [thread_count] [open_file_count]]
}
