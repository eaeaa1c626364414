# How a process ends that runs ends.tcl: the tests' own side. The variable url tells the server.

package require nats
set ends_file [file join [file dirname [file normalize [info script]]] ends.tcl]

# Runs a script in a process with ends.tcl. The result is what it says, and its exit code, signal
# and error output if it does not end as it should.
proc ending {url script args} {
    set result [run_script [beginning $url]$script -timeout 300000 {*}$args]
    set failure [dict filter $result script {key value} {
        expr {$key in {exit signal timedout stderr} && $value ni {0 ""}}
    }]
    return [string trim "[dict get $result stdout]$failure"]
}

# What such a process begins with. It loads the library at once: a search for the package costs
# more than all the rest.
proc beginning {url} {
    set library [lindex [lsearch -inline -index 1 [info loaded] Nats] 0]
    return [join [list [list load $library Nats] [list set url $url] \
        [list source $::ends_file] ""] \n]
}

# Evaluates `begin`, then `script` over and over, in a process of its own; see `repeat`.
proc repeated {loops begin script} {
    ending $::url "$begin
        repeat [list $script] $loops
        if {\$background_errors ne {}} { puts \[lsort -unique \$background_errors] }"
}

# How often something ends in a loop: the full number in one shell of each major version.
proc loops {count} {
    expr {[string match *static* [info nameofexecutable]] ? $count / 10 : $count}
}
