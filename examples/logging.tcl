# What a connection tells of itself: log lines on a channel, in Tcllib's logger, and variables.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]

# Lines go to stdout from level warn on, unless told otherwise.
set conn [nats::connection new shop -log_chan stdout -log_level info]
$conn configure -servers $server

# The state is in variables, which can be traced. Traces run as things happen.
trace add variable ${conn}::status write {apply {{name args} {
    puts "status is now [set $name]"
}}}
$conn connect
$conn destroy

# Nobody is at home: the reason is thrown, logged, and kept in a variable.
set conn [nats::connection new nobody]
$conn configure -servers nats://localhost:1
catch {$conn connect} message
puts "thrown: $message"
puts "kept:   [dict get [set ${conn}::last_error] errorMessage]"
$conn destroy

# Tcllib's logger takes over layout and filtering.
if {[catch {package require logger}]} {
    puts "(Tcllib's logger is not installed)"
    exit
}
set log [logger::init shop]
${log}::setlevel info
${log}::logproc info text { puts "logger says: $text" }
set conn [nats::connection new shop -logger $log]
$conn configure -servers $server
$conn connect
$conn destroy
