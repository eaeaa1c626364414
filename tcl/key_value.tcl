# Buckets. The methods that make objects wait first; what they learn about the stream makes the
# object.

oo::class create ::nats::key_value {
    # The watcher looks for the variable of -values_array where this method is called.
    method watch {patterns args} {
        uplevel 1 [list ::nats::kv_watcher new [self] $patterns {*}$args]
    }
}

oo::class create ::nats::kv_watcher

oo::define ::nats::jet_stream {
    method bind_kv_bucket bucket {
        ::nats::key_value new [self] $bucket [my BindBucket $bucket]
    }
    method create_kv_bucket {bucket args} {
        ::nats::key_value new [self] $bucket [my CreateBucket $bucket {*}$args]
    }
    method create_kv_aggregate {bucket writable origins args} {
        ::nats::key_value new [self] $bucket [my CreateAggregate $bucket $writable $origins {*}$args]
    }
}
