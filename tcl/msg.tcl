# The ensemble nats::msg: messages as dicts. All but `set` is native.

namespace eval ::nats::msg {
    namespace export {[a-z]*}
    namespace ensemble create
}

proc ::nats::msg::set {varName option value} {
    upvar 1 $varName msg
    if {$option ni {-data -subject -reply}} {
        return -code error -errorcode {NATS ErrInvalidArg} "Invalid field $option"
    }
    dict set msg [string range $option 1 end] $value
    return
}
