# The ensemble nats::header: the header of a message, a dict of keys with lists of values. `get`,
# `lookup` and `values` are native. Mutators take the name of the variable that holds the message.

namespace eval ::nats::header {
    namespace export {[a-z]*}
    namespace ensemble create
}

proc ::nats::header::add {varName key value} {
    upvar 1 $varName msg
    ::set header [dict get $msg header]
    dict lappend header $key $value
    dict set msg header $header
    return
}

proc ::nats::header::delete {varName key} {
    upvar 1 $varName msg
    dict unset msg header $key
    return
}

proc ::nats::header::keys {msg {glob ""}} {
    ::set header [dict get $msg header]
    if {$glob eq ""} { return [dict keys $header] }
    return [dict keys $header $glob]
}

proc ::nats::header::set {varName key value args} {
    upvar 1 $varName msg
    if {[llength $args] % 2} {
        return -code error -errorcode {NATS ErrInvalidArg} "Missing a value for a key"
    }
    ::set header [dict get $msg header]
    foreach {key value} [list $key $value {*}$args] {
        dict set header $key [list $value]
    }
    dict set msg header $header
    return
}
