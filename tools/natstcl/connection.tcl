# The connection that the options ask for. There is one, made when a command first asks for it.

namespace eval natstcl {
    variable connection ""
    # What the connection's events have told of errors: pairs of code and message.
    variable problems {}
    # Whether `settle` is about to throw them.
    variable settling 0
}

proc natstcl::connection {} {
    variable connection
    variable problems
    if {$connection ne ""} { return $connection }
    interp bgerror {} ::natstcl::background
    set c [nats::connection new natstcl -logger ::natstcl::log]
    try {
        # In the order in which the user named them.
        $c configure -randomize false -servers [servers] {*}[login] {*}[tls] -event_callback ::natstcl::event
    } trap NATS message {
        throw {NATSTCL USAGE ""} $message
    }
    try {
        $c connect
    } on error {message details} {
        # The reasons of several servers are in events, which come while they are waited for.
        update
        set code [lindex [dict get $details -errorcode] 1]
        if {[llength $problems]} {
            lassign [lindex $problems end] code message
            foreach problem $problems { dict set reasons [lindex $problem 1] "" }
            set message [join [dict keys $reasons] "; "]
        }
        throw [list NATSTCL CONNECT $code] "$message (--server [without_logins [servers]])"
    }
    set problems {}
    return [set connection $c]
}

# Returns when the server has dealt with all that was sent, and minds nothing.
proc natstcl::settle {} {
    variable option
    variable problems
    variable settling 1
    [connection] flush -timeout $option(timeout)
    set settling 0
    if {[llength $problems]} {
        lassign [lindex $problems 0] code message
        throw [list NATS $code] $message
    }
}

proc natstcl::jet_stream {} {
    variable option
    set options [list -timeout $option(timeout)]
    if {$option(domain) ne ""} { lappend options -domain $option(domain) }
    return [[connection] jet_stream {*}$options]
}

# URLs as the user gave them, in the option or the environment.
proc natstcl::servers {} {
    set servers [from_environment server NATS_URL]
    if {$servers eq ""} { return nats://localhost:4222 }
    return [lmap url [split $servers ,] { string trim $url }]
}

proc natstcl::without_logins {urls} {
    return [join [lmap url $urls { regsub {//[^@/]*@} $url // }] ,]
}

proc natstcl::login {} {
    set options {}
    foreach {name variable setting} {
        user NATS_USER -user   password NATS_PASSWORD -password   token NATS_TOKEN -token
        creds NATS_CREDS -credentials   nkey NATS_NKEY -nkey_seed
    } {
        set value [from_environment $name $variable]
        if {$value ne ""} { lappend options $setting $value }
    }
    return $options
}

proc natstcl::from_environment {name variable} {
    variable option
    if {$option($name) eq "" && [info exists ::env($variable)]} { return $::env($variable) }
    return $option($name)
}

proc natstcl::tls {} {
    variable option
    set tls {}
    foreach {name setting} {ca -cafile cert -certfile key -keyfile} {
        if {$option($name) ne ""} { lappend tls $setting $option($name) }
    }
    if {$option(insecure)} { lappend tls -require 0 }
    return [list -secure $option(tls) -tls_first $option(tls-first) -tls_opts $tls \
        -proxy_url $option(proxy) \
        -connect_timeout $option(timeout) -request_timeout $option(timeout)]
}

# What happens to the connection, for people who look on.
proc natstcl::event {event details} {
    variable problems
    variable settling
    variable connection
    switch $event {
        error {
            dict with details {}
            lappend problems [list [lindex $code 1] $errorMessage]
            if {$connection ne "" && !$settling} { say "natstcl: $errorMessage" }
        }
        disconnected { say "natstcl: lost [dict get $details server], looking for a server" }
        reconnected  { say "natstcl: connected again, to [dict get $details server]" }
        closed {
            if {$connection ne "" && [dict get $details code] ne ""} {
                throw [list NATSTCL CONNECT [lindex [dict get $details code] 1]] \
                    "the connection is lost: [dict get $details errorMessage]"
            }
        }
    }
}

# The logger service of the connection. What matters is told by events and errors already.
namespace eval natstcl::log {}
foreach level {error warn info debug} {
    proc natstcl::log::$level text {
        upvar #0 ::natstcl::option option
        if {$option(debug)} { puts stderr "natstcl: $text" }
    }
}
