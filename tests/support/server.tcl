# Real NATS servers for tests, each with a port and a folder of its own.
#
#   set s [server::start]                      JetStream is on
#   set s [server::start {max_payload: 1KB}]   lines for the configuration file
#   server::url $s; server::port $s; server::pid $s; server::store $s; server::log $s
#   server::pause $s; server::continue $s      SIGSTOP, SIGCONT
#   server::signal $s USR2                     any other signal
#   server::stop $s; server::kill $s           in good order; at once. The folder stays
#   server::restart $s ?configuration?         same port and folder, running or not
#   server::remove $s                          ends it and its folder
#
# url and port are those of the transport that is tested, see transport.tcl.
#
# The binary is $env(NATS_SERVER), else the version that the project pins. A guard process ends the
# servers when the test process ends, even by SIGKILL.

foreach part {port transport} {
    source [file join [file dirname [file normalize [info script]]] $part.tcl]
}

namespace eval server {
    variable servers {}
    variable count 0
    variable here [file dirname [file normalize [info script]]]
}

# Options: -jetstream bool (default true); -domain name of its JetStream; -port number (default: a
# free one); -ready info|listen: whether ready means that INFO came (default), or only that the port
# accepts, for servers that begin with the TLS handshake.
proc server::start {{configuration ""} args} {
    variable servers
    variable count
    set options [dict merge {-jetstream true -domain "" -port "" -ready info} $args]
    set given [dict get $options -port]
    set handle server[incr count]
    # Somebody may take a free port before the server does: then another one.
    for {set attempt 1} {1} {incr attempt} {
        dict set servers $handle [Create $handle $options]
        try {
            Configure $handle $configuration
            Run $handle
            return $handle
        } trap {SERVER ENDED} {message} {
            remove $handle
            if {$given ne "" || $attempt == 3 || ![string match "*in use*" $message]} {
                error $message
            }
        } on error {message details} {
            remove $handle
            return -options $details $message
        }
    }
}

# Each gives one fact about a server. The port and folder stay over a restart, the pid does not.
proc server::url {handle} { return [transport::scheme]://127.0.0.1:[port $handle] }
proc server::port {handle} { Get $handle entrance }
proc server::pid {handle} { Get $handle pid }
proc server::store {handle} { return [file join [Get $handle folder] store] }

# What the server wrote since it was first started.
proc server::log {handle} {
    set channel [open [file join [Get $handle folder] log]]
    try { read $channel } finally { close $channel }
}

proc server::running {handle} { Ask $handle running }

# Returns when every thread of the server stands still: until then it may answer once more.
proc server::pause {handle} {
    signal $handle STOP
    while {![Stopped [pid $handle]]} { after 1 }
}

proc server::continue {handle} { signal $handle CONT }
proc server::signal {handle name} { exec kill -s $name [pid $handle] }

# Both return when the process has ended; its exit code (128 + signal) is the result.
proc server::stop {handle} { End $handle TERM }
proc server::kill {handle} { End $handle KILL }

proc server::restart {handle args} {
    if {[running $handle]} { stop $handle }
    if {[llength $args]} { Configure $handle [lindex $args 0] }
    Run $handle
}

proc server::remove {handle} {
    variable servers
    if {![dict exists $servers $handle]} return
    set guard [Get $handle guard]
    dict unset servers $handle
    # Closing waits for the guard, and so for the end of the server.
    catch {close $guard}
}

proc server::Create {handle options} {
    variable here
    set folder [file join [Temporary] nats-test-[::pid]-$handle]
    file delete -force $folder
    file mkdir $folder
    set guard [open |[list bash [file join $here guard] $folder \
        [Binary] -c [file join $folder conf]] r+]
    fconfigure $guard -buffering line
    set port [dict get $options -port]
    if {$port eq ""} { set port [free_port] }
    set entrance [expr {[transport::has_own_port] ? [free_port] : $port}]
    return [list guard $guard folder $folder port $port entrance $entrance pid "" \
        jetstream [dict get $options -jetstream] domain [dict get $options -domain] \
        ready [dict get $options -ready]]
}

proc server::Stopped {process} {
    foreach file [glob -directory /proc/$process/task */stat] {
        # A thread that ended since it was listed does not count. (The namespace has another
        # command named continue.)
        if {[catch {open $file} channel]} ::continue
        # The state follows the program's name, which is in parentheses.
        if {![regexp {.*\) (\S)} [read $channel][close $channel] -> state] || $state ne "T"} {
            return 0
        }
    }
    return 1
}

proc server::Binary {} {
    variable here
    if {![info exists ::env(NATS_SERVER)]} {
        set ::env(NATS_SERVER) [exec -ignorestderr [file join $here .. .. scripts nats-server]]
    }
    return $::env(NATS_SERVER)
}

proc server::Temporary {} {
    return [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR) : "/tmp"}]
}

proc server::Configure {handle configuration} {
    set channel [open [file join [Get $handle folder] conf] w]
    puts $channel "listen: \"127.0.0.1:[Get $handle port]\""
    puts $channel "server_name: \"$handle-[Get $handle port]\""
    puts $channel [transport::configuration [Get $handle entrance]]
    if {[Get $handle jetstream]} {
        set domain [Get $handle domain]
        if {$domain ne ""} { set domain ", domain: \"$domain\"" }
        puts $channel "jetstream: {store_dir: \"[store $handle]\"$domain}"
    }
    puts $channel $configuration
    close $channel
}

proc server::Run {handle} {
    variable servers
    dict set servers $handle pid [Ask $handle start]
    set deadline [expr {[clock milliseconds] + 60000}]
    while {![Answers $handle $deadline]} {
        if {![running $handle]} {
            throw {SERVER ENDED} "the server ended at its start:\n[log $handle]"
        }
        if {[clock milliseconds] > $deadline} {
            error "the server did not get ready:\n[log $handle]"
        }
        after 10
    }
}

# Whether the server accepts a connection and opens with INFO.
proc server::Answers {handle deadline} {
    if {[catch {socket 127.0.0.1 [Get $handle port]} channel]} { return 0 }
    if {[Get $handle ready] eq "listen"} { close $channel; return 1 }
    fconfigure $channel -blocking 0 -translation lf
    try {
        while {[gets $channel line] < 0} {
            if {[eof $channel] || [clock milliseconds] > $deadline} { return 0 }
            after 2
        }
        return [string match "INFO *" $line]
    } on error {} {
        return 0
    } finally {
        close $channel
    }
}

proc server::End {handle signal} {
    if {[running $handle]} {
        # A stopped process gets nothing but SIGKILL until it continues.
        catch { signal $handle $signal; signal $handle CONT }
    }
    return [Ask $handle wait]
}

proc server::Ask {handle order} {
    set guard [Get $handle guard]
    puts $guard $order
    return [gets $guard]
}

proc server::Get {handle key} {
    variable servers
    return [dict get $servers $handle $key]
}
