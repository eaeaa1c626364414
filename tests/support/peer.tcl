# A process of its own with a connection of its own, which runs scripts on order. It goes on while
# the interpreter under test is blocked or busy, and ends with that interpreter's process.
#
#   set p [peer::start $serverUrl]
#   peer::do $p {$conn publish a b}      runs a script there, where $conn is connected, and waits
#                                        without serving events; its result or error is the result
#   peer::begin $p {flood data 1000}     starts a script and does not wait
#   peer::finished $p                    whether what was begun has come to its end
#   peer::result $p                      its result or error; waits for it like "do"
#   peer::stop $p
#
# Besides the package there is, in the peer, "flood subject count ?bytes?": see peer_process.tcl.

namespace eval peer {
    variable program [file join [file dirname [file normalize [info script]]] peer_process.tcl]
    variable busy {}               ;# handles whose result was not asked for yet
    variable answers {}            ;# those of them that have finished, and their answers
}

proc peer::start {url} {
    variable program
    set channel [open |[list [info nameofexecutable] $program $url] r+]
    fconfigure $channel -translation binary -buffering full
    do $channel {}
    return $channel
}

proc peer::do {handle script} {
    begin $handle $script
    return [result $handle]
}

# Order and answer travel as a number of bytes on a line, then those bytes.
proc peer::begin {handle script} {
    variable busy
    if {$handle in $busy} { error "the result of what the peer has begun was not taken" }
    lappend busy $handle
    set bytes [encoding convertto utf-8 $script]
    puts -nonewline $handle [string length $bytes]\n$bytes
    flush $handle
}

proc peer::finished {handle} {
    variable answers
    if {[dict exists $answers $handle]} { return 1 }
    fconfigure $handle -blocking 0
    set count [gets $handle line]
    fconfigure $handle -blocking 1
    if {$count < 0} {
        if {[eof $handle]} { error "the peer process has ended" }
        return 0
    }
    dict set answers $handle [encoding convertfrom utf-8 [read $handle $line]]
    return 1
}

proc peer::result {handle} {
    variable busy
    variable answers
    set busy [lsearch -all -inline -not -exact $busy $handle]
    if {[dict exists $answers $handle]} {
        set answer [dict get $answers $handle]
        dict unset answers $handle
    } else {
        if {[gets $handle length] < 0} { error "the peer process has ended" }
        set answer [encoding convertfrom utf-8 [read $handle $length]]
    }
    lassign $answer failed value
    if {$failed} { error $value }
    return $value
}

proc peer::stop {handle} {
    variable busy
    variable answers
    set busy [lsearch -all -inline -not -exact $busy $handle]
    dict unset answers $handle
    catch {close $handle}
}
