# Servers in operator mode, which know their users by JWTs.
#
#   set o [operator::start]                  an operator, an account, a server that trusts them
#   operator::server $o                      for server::url and its kin
#   set u [operator::user $o ?-exp seconds? ?-bearer bool?]
#                                            a user of the account; expires so many seconds from now
#   operator::jwt $u; operator::key $u       its JWT; its pair, for keys::*
#   operator::creds $u                       what its .creds file holds
#   operator::revoke $o $u                   from now on the server refuses the user
#   operator::stop $o

set supportFolder [file dirname [file normalize [info script]]]
foreach part {keys server wait} { source [file join $supportFolder $part.tcl] }

namespace eval operator {
    variable operators {}
    variable count 0
}

proc operator::start {} {
    variable operators
    variable count
    set handle operator[incr count]
    set operator [keys::create operator]
    set trust [format {{"sub":"%s","name":"operator","nats":{"type":"operator","version":2}}} \
        [keys::public $operator]]
    dict set operators $handle [dict create operator $operator trust [keys::jwt $operator $trust] \
        account [keys::create account] revoked {}]
    dict set operators $handle server [server::start [Configuration $handle] -jetstream false]
    return $handle
}

proc operator::server {handle} { Get $handle server }

proc operator::user {handle args} {
    set options [dict merge {-exp "" -bearer false} $args]
    set key [keys::create user]
    set expires [dict get $options -exp]
    if {$expires ne ""} {
        set expires [format {"exp":%d,} [expr {[clock seconds] + $expires}]]
    }
    set claims [format {{%s"sub":"%s","name":"someone","nats":{"type":"user","version":2,%s}}} \
        $expires [keys::public $key] \
        [format {"bearer_token":%s,"subs":-1,"data":-1,"payload":-1,"pub":{},"sub":{}} \
            [dict get $options -bearer]]]
    return [dict create key $key jwt [keys::jwt [Get $handle account] $claims]]
}

proc operator::jwt {user} { dict get $user jwt }
proc operator::key {user} { dict get $user key }
proc operator::creds {user} { keys::creds [jwt $user] [key $user] }

proc operator::revoke {handle user} {
    variable operators
    dict set operators $handle revoked [keys::public [key $user]] [clock seconds]
    set server [server $handle]
    set reloads [Reloads $server]
    server::Configure $server [Configuration $handle]
    server::signal $server HUP
    waitfor {[Reloads $server] > $reloads}
}

proc operator::stop {handle} {
    variable operators
    server::remove [server $handle]
    dict unset operators $handle
}

proc operator::Reloads {server} {
    regexp -all {Reloaded server configuration} [server::log $server]
}

# Lines for the server's configuration.
proc operator::Configuration {handle} {
    set account [Get $handle account]
    set revoked {}
    dict for {user time} [Get $handle revoked] { lappend revoked \"$user\":$time }
    set limits {"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true}
    set claims [format {{"sub":"%s","name":"account","nats":{"type":"account","version":2,%s}}} \
        [keys::public $account] \
        "\"limits\":{$limits,\"conn\":-1,\"leaf\":-1},\"revocations\":{[join $revoked ,]}"]
    # The server refuses to reload with another operator.
    return "operator: [Get $handle trust]
resolver: MEMORY
resolver_preload: {[keys::public $account]: [keys::jwt [Get $handle operator] $claims]}"
}

proc operator::Get {handle key} {
    variable operators
    return [dict get $operators $handle $key]
}
