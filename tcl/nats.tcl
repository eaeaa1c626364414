# What is natural in script: the namespace, the classes that the library equips with native
# methods, and the writing of log lines.

namespace eval ::nats {
    variable status_closed closed
    variable status_connecting connecting
    variable status_connected connected
    variable status_reconnecting reconnecting

    namespace export connection
}

namespace eval ::nats::log {}

oo::class create ::nats::connection

# Writes a line that the library has already found worth writing. `msec` is the time of the event.
proc ::nats::log::line {channel name level msec text} {
    set seconds [expr {$msec / 1000}]
    set time [clock format $seconds -format %Y-%m-%dT%H:%M:%S].[format %03d [expr {$msec % 1000}]]
    puts $channel "\[$time $name $level\] $text"
}
