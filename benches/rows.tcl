# The rows of the table, group by group. For each column the work of a row is done by a procedure of
# the same name in rows/GROUP.tcl, .rs or .py; a column without it stays empty.
#
#   row NAME TITLE option value …
#     -work    the procedure, when rows share one (default: the row's name)
#     -count   operations per round; -scale multiplies it, nats-py does a fifth
#     -size    bytes of payload (128)
#     -width   subjects, requests in flight or coroutines, whatever the work spreads over (1)
#     -via     how to connect: tcp, or sink for a peer that costs next to nothing (tcp)
#     -floor   the procedure in rows/floor.tcl that does what Tcl itself has to do (none)
#     -wanted  {of least …}: what the rate has to be at least, as a part of a column's rate, or of
#              ours in another row

group core

row publish_16 "publish, 16 B" -work publish -size 16 -count 300000 -floor call
row publish "publish, 128 B" -count 300000 -floor call -wanted {async-nats 0.9}
row publish_4k "publish, 4 KiB" -work publish -size 4096 -count 50000 -floor call
row publish_1m "publish, 1 MiB" -work publish -size 1048576 -count 400 -floor call
row publish_sink "publish, 128 B, to a sink" -work publish -via sink -count 300000 \
    -floor call -wanted {floor 0.4}

row deliver_16 "publish to callback, 16 B" -work deliver -size 16 -count 200000 -floor callback
row deliver "publish to callback, 128 B" -count 200000 -floor callback -wanted {async-nats 0.7}
row deliver_4k "publish to callback, 4 KiB" -work deliver -size 4096 -count 10000 -floor callback
row deliver_1m "publish to callback, 1 MiB" -work deliver -size 1048576 -count 40 -floor callback
row flood "callback only, 128 B, from a peer that just writes" \
    -via sink -count 300000 -floor callback
row deliver_dict "publish to callback, dict message, 2 headers, 1 read" \
    -count 100000 -floor callback_dict -wanted {async-nats 0.5}

row subscriptions_1 "publish to callback, 1 subscription" \
    -work subscriptions -width 1 -count 100000 -floor callback
row subscriptions_100 "publish to callback, 100 subscriptions" \
    -work subscriptions -width 100 -count 100000 -floor callback
row subscriptions_10k "publish to callback, 10,000 subscriptions" \
    -work subscriptions -width 10000 -count 100000 -floor callback
row subscriptions_100k "publish to callback, 100,000 subscriptions" \
    -work subscriptions -width 100000 -count 100000 -floor callback
row flood_100k "callback only, 100,000 subscriptions" \
    -work flood -via sink -width 100000 -count 300000 -floor callback -wanted {flood 0.83}

row request "request, one after another" -count 5000 -floor round_trip -wanted {async-nats 1.0}
row request_async "requests with callbacks, 1,000 in flight" \
    -width 1000 -count 50000 -floor call_in_callback -wanted {async-nats 0.7}
row request_many "requests of 100 coroutines" -width 100 -count 20000 -floor call_in_callback

row drain_1m "backlog of 1 MB delivered" -work drain -size 1000 -width 1000 -count 100000 \
    -floor callback
row drain_100m "backlog of 100 MB delivered" -work drain -size 1000 -width 100000 -count 100000 \
    -floor callback -wanted {drain_1m 0.83}

group jetstream

row js_publish "publish to a stream, one after another" \
    -count 3000 -floor round_trip -wanted {async-nats 0.91}
row js_publish_async "publish to a stream with callbacks, 1,000 in flight" \
    -width 1000 -count 30000 -floor call_in_callback -wanted {async-nats 0.7}
row js_fetch "fetch 500 at a time and acknowledge" \
    -width 500 -count 20000 -floor callback_dict -wanted {async-nats 0.7}
row js_fetch_list "fetch a list of 500 and acknowledge each" \
    -width 500 -count 20000 -floor callback_dict
row js_continuous "consume without end and acknowledge" -count 20000 -floor callback_dict
row js_ordered "ordered consumer" -count 50000 -floor callback_dict -wanted {async-nats 0.7}

group kv

row kv_put "put of a key" -count 3000 -floor round_trip -wanted {async-nats 0.91}
row kv_get "get of a key" -count 3000 -floor round_trip -wanted {async-nats 0.91}
row kv_keys "keys of a bucket, per key" -count 20000 -wanted {async-nats 0.7}
row kv_watch "watch a bucket, entry to callback" -count 20000 -floor callback_dict

group transports

row publish_tls "publish over TLS, 128 B" -work publish -via tls -count 300000 -floor call
row deliver_tls "publish to callback over TLS, 128 B" -work deliver -via tls -count 200000 -floor callback
row publish_ws "publish over WebSocket, 128 B" -work publish -via ws -count 300000 -floor call
row deliver_ws "publish to callback over WebSocket, 128 B" \
    -work deliver -via ws -count 200000 -floor callback
