# Log lines: how they look, and the commands by which scripts in an object's namespace write them.

namespace eval ::nats::log {}

# Writes a line that somebody has already found worth writing. `msec` is the time of the event.
proc ::nats::log::line {channel name level msec text} {
    puts $channel "\[[::nats::LocalTime $msec] $name $level\] $text"
}

# Makes log::error, log::warn, log::info and log::debug in a namespace. They write to the channel
# what is as severe as `least` or more.
proc ::nats::log::to_channel {namespace channel name least} {
    set wanted 1
    foreach level {error warn info debug} {
        set body {}
        if {$wanted} {
            set head [list ::nats::log::line $channel $name $level]
            set body "$head \[clock milliseconds\] \$text"
        }
        namespace eval ${namespace}::log [list proc $level text $body]
        if {$level eq $least} { set wanted 0 }
    }
}

# Makes the same commands for a service of a logger package, which filters by itself.
proc ::nats::log::to_service {namespace service} {
    foreach level {error warn info debug} {
        set command ${service}::$level
        if {[namespace which -command $command] eq ""} {
            return -code error -errorcode [list TCL LOOKUP COMMAND $command] \
                "invalid command name \"$command\""
        }
        namespace eval ${namespace}::log [list proc $level text "[list $command] \$text"]
    }
}
