# Failures as users see them: what went wrong, what can be done, and the exit code.

namespace eval natstcl {
    # What to do about an error, by its code, or by the number that a server's JetStream gives it.
    variable remedies {
        ErrConnectionRefused "is a server running there? Name another one with --server or NATS_URL"
        ErrNoServers         "is a server running there? Name others with --server or NATS_URL"
        ErrConnectionTimeout "is that a NATS server? Wait longer with --timeout, or name another one"
        ErrProtocol          "is that a NATS server? Name another one with --server or NATS_URL"
        ErrAuthorization     "log in with --user and --password, --token, --creds or --nkey"
        ErrAuthExpired       "get a new login from whoever runs the server"
        ErrPermissions       "ask for the permission, or log in as another user"
        ErrAuthRevoked       "get a new login from whoever runs the server"
        ErrSecureConnWanted  "leave out --tls and tls://, or name a server that offers TLS"
        ErrTLS               "name the authority of the server's certificate with --ca, and its host\
            as it stands in the certificate"
        ErrBadSubject        "subjects are words with dots between them; only those of sub may have * and >"
        ErrNoResponders      "is somebody subscribed to this subject?"
        ErrTimeout           "wait longer with --timeout"
        ErrJetStreamNotEnabled "start the server with -js, or name the right --domain"
        ErrJetStreamNotEnabledForAccount "ask for JetStream in the account, or log in to another one"
        ErrBucketNotFound    "\"natstcl kv ls\" lists the buckets, \"natstcl kv add\" makes one"
        BucketNotFound       "\"natstcl kv ls\" lists the buckets, \"natstcl kv add\" makes one"
        ErrKeyNotFound       "\"natstcl kv keys\" lists the keys"
        ErrWrongLastSequence "somebody else has written: \"natstcl kv get\" shows the revision of now"
        10058                "\"natstcl kv status\" shows the bucket that is there already"
        ErrMaxPayload        "the server's max_payload is the limit: send less, or raise it there"
    }
}

# Writes an error to stderr; the result is the exit code.
proc natstcl::report {message details} {
    variable option
    variable running
    progress::end
    set code [dict get $details -errorcode]
    # Whoever reads our output has had enough, as in "natstcl sub x | head".
    if {[lrange $code 0 1] eq {POSIX EPIPE}} { return 0 }
    set exit 1
    switch -glob $code {
        {NATSTCL USAGE *} {
            set remedy "natstcl [lindex $code 2] --help"
            if {[lindex $code 2] eq ""} { set remedy "natstcl --help" }
            set remedy "\"$remedy\" shows what is allowed"
            set exit 2
        }
        {NATSTCL CONNECT *} {
            set remedy [remedy_for [lindex $code 2] "--debug shows more"]
            set code [list NATS [lindex $code 2]]
            set exit 3
        }
        {NATSTCL NOTHING *} { set remedy [lindex $code 2]; set exit 4 }
        {NATSTCL FAILED *}  { set remedy [lindex $code 2] }
        {NATS ErrInvalidArg} {
            set remedy "\"natstcl $running --help\" shows what is allowed"
            set exit 2
        }
        {NATS ErrBadSubject} { set remedy [remedy_for ErrBadSubject]; set exit 2 }
        {NATS ErrJSResponse *} { set remedy [remedy_for [lindex $code 3]] }
        {NATS *} {
            set remedy [remedy_for [lindex $code 1]]
            if {[lindex $code 1] in {ErrTimeout ErrNoResponders}} { set exit 4 }
        }
        {POSIX *} { set remedy "" }
        default {
            # A mistake of ours: the trace tells where.
            set message [dict get $details -errorinfo]
            set remedy "please report this"
        }
    }
    if {$option(json)} {
        puts stderr [json::object [list error text $message code text $code remedy text $remedy]]
    } else {
        puts stderr "natstcl: $message"
        if {$remedy ne ""} { puts stderr "         $remedy" }
    }
    return $exit
}

proc natstcl::remedy_for {code {otherwise ""}} {
    variable remedies
    return [expr {[dict exists $remedies $code] ? [dict get $remedies $code] : $otherwise}]
}

# An error in an event ends the program like one in a command.
proc natstcl::background {message details} {
    catch {flush stdout}
    exit [report $message $details]
}
