# The commands about whole buckets.

natstcl::command {kv ls} {} "Lists the buckets." {} {
    set js [jet_stream]
    set progress [progress::start "buckets read:" 0]
    set rows {}
    set names [lsort [$js kv_buckets]]
    foreach name $names {
        # A stream may have such a name and be no bucket, or be gone by now.
        try { set kv [$js bind_kv_bucket $name] } trap {NATS ErrBucketNotFound} {} continue
        set status [$kv status]
        dict with status {}
        $kv destroy
        lappend rows [list $name $values $bytes $history $ttl]
        progress::at progress [llength $rows]
    }
    progress::end
    show_rows {bucket text values number bytes bytes history number ttl ms} $rows
}

natstcl::command {kv add} {bucket} "Makes a bucket." {
    {history     number 1  "how many values of a key to keep, 64 at most"}
    {ttl         number "" "milliseconds after which a value goes"}
    {storage     text   "" "file (the default) or memory"}
    {replicas    number 1  "how many servers hold the bucket"}
    {max-value   number "" "bytes that one value may have"}
    {max-bytes   number "" "bytes that the bucket may have"}
    {description text   "" "a text for people"}
    {compress    flag   0  "compress files"}
} {
    set options [list -history $option(history) -num_replicas $option(replicas)]
    foreach {name setting} {
        ttl -ttl storage -storage max-value -max_value_size max-bytes -max_bucket_size
        description -description
    } {
        if {$option($name) ne ""} { lappend options $setting $option($name) }
    }
    if {$option(compress)} { lappend options -compression s2 }
    show_bucket [[jet_stream] create_kv_bucket $bucket {*}$options]
}

natstcl::command {kv status} {bucket} "Shows what is known of a bucket." {} {
    show_bucket [bucket $bucket]
}

natstcl::command {kv rm} {bucket} "Removes a bucket and all it holds." {} {
    [jet_stream] delete_kv_bucket $bucket
    say "bucket $bucket removed"
}

proc natstcl::bucket {name} { [jet_stream] bind_kv_bucket $name }

proc natstcl::show_bucket {kv} {
    set status [$kv status]
    dict with status {}
    show_record [list bucket text $bucket values number $values bytes bytes $bytes \
        history number $history ttl ms $ttl storage text [dict get $stream_config storage] \
        replicas number [dict get $stream_config num_replicas] compressed flag $is_compressed \
        description text [dict lookup $stream_config description]]
}
