# What is natural in script: the namespace, and the classes that the library equips with native
# methods.

namespace eval ::nats {
    variable status_closed closed
    variable status_connecting connecting
    variable status_connected connected
    variable status_reconnecting reconnecting

    # Some of these come with JetStream and key-value.
    namespace export connection msg header timestamp isotime_to_msec msec_to_isotime metadata \
        make_stream_source make_subject_transform make_republish make_kv_origin
}

oo::class create ::nats::connection {
    method jet_stream args { ::nats::jet_stream new [self] {*}$args }
}

oo::class create ::nats::jet_stream {
    method ordered_consumer {stream args} { ::nats::ordered_consumer new [self] $stream {*}$args }
    method subscribe_consumer {stream consumer args} {
        ::nats::consumer_subscription new [self] $stream $consumer {*}$args
    }
    method StartPullRequest args { ::nats::pull_request new [self] {*}$args }
}

oo::class create ::nats::ordered_consumer
oo::class create ::nats::consumer_subscription

# An asynchronous fetch while it goes on; its name is the fetch ID.
oo::class create ::nats::pull_request

# The default of -command in -tls_opts.
proc ::nats::tls_callback args {}

# The value of a key in a dict, or the default if the key is missing.
proc ::nats::LookupInDict {dict key {default ""}} {
    if {[dict exists $dict $key]} {
        return [dict get $dict $key]
    }
    return $default
}

namespace ensemble configure ::dict -map \
    [dict replace [namespace ensemble configure ::dict -map] lookup ::nats::LookupInDict]
