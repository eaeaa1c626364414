# How a process ends that runs ends.tcl: the tests' own side. The variable url tells the server.

set ends_file [file join [file dirname [file normalize [info script]]] ends.tcl]

# Starts a process with ends.tcl and a server's URL. The result is what it says, and its exit
# code, signal and error output if it does not end as it should.
proc ending {url script args} {
    set begin "[list set url $url]\n[list source $::ends_file]\n"
    set result [run_script $begin$script -timeout 90000 {*}$args]
    set failure [dict filter $result script {key value} {
        expr {$key in {exit signal timedout stderr} && $value ni {0 ""}}
    }]
    return [string trim "[dict get $result stdout]$failure"]
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
