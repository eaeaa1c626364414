# The servers that the examples of docs/authentication.md log in to, and the files that they use. Each
# example takes them from the environment:
#
#   NATS_USERS_URL     knows the user alice by a password, and one by the key in the file NATS_SEED
#   NATS_TOKEN_URL     wants a token
#   NATS_OPERATOR_URL  is in operator mode; the files NATS_CREDS, NATS_JWT and NATS_KEY (for openssl)
#                      are those of a user

set supportFolder [file dirname [file normalize [info script]]]
foreach part {keys operator server} { source [file join $supportFolder $part.tcl] }

namespace eval login_servers {
    variable servers {}
    variable operator
}

proc login_servers::start {} {
    variable servers
    variable operator
    set key [keys::create user]
    set users [server::start "authorization: {users: \[
        {user: alice, password: s3cret}, {nkey: [keys::public $key]}\]}" -jetstream false]
    set token [server::start "authorization: {token: t0ken}" -jetstream false]
    set servers [list $users $token]
    set operator [operator::start]
    set user [operator::user $operator]
    array set ::env [list \
        NATS_USERS_URL [server::url $users] \
        NATS_TOKEN_URL [server::url $token] \
        NATS_OPERATOR_URL [server::url [operator::server $operator]] \
        NATS_SEED [keys::file user.nk [keys::seed $key]] \
        NATS_CREDS [keys::file user.creds [operator::creds $user]] \
        NATS_JWT [keys::file user.jwt [operator::jwt $user]] \
        NATS_KEY [dict get [operator::key $user] path]]
}

proc login_servers::stop {} {
    variable servers
    variable operator
    foreach server $servers { server::remove $server }
    operator::stop $operator
    keys::cleanup
}
