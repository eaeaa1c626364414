# A configuration cache: an array that is always what the bucket says, without a request when a value
# is needed. Here somebody changes the configuration three times; with Tk and a display a window shows
# its values live. Needs a server with JetStream.
package require nats

set url [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new]
$conn configure -servers $url
$conn connect
set js [$conn jet_stream]
set kv [$js create_kv_bucket config -storage memory]
foreach {key value} {title Welcome color white port 8080} { $kv put $key $value }

# What belongs to the port, say, is renewed when it changes. The array has the new value already.
proc changed {entry} {
    if {$entry eq ""} {
        set ::complete 1
    } elseif {[dict get $entry key] eq "port" && [info exists ::complete]} {
        puts "the port is now $::config(port)"
    }
}
set watcher [$kv watch > -values_array config -callback changed]
while {![info exists complete]} { vwait complete }
puts "$config(title) on $config(color), port $config(port)"

# A label follows its element by itself.
if {[info exists env(DISPLAY)] && ![catch { package require Tk }]} {
    wm title . "Configuration"
    foreach key {title color port} {
        grid [label .name_$key -text $key -anchor w] \
            [label .value_$key -textvariable config($key) -width 20 -anchor w] -sticky w -padx 8 -pady 4
    }
}

# Somebody else, in another process as a rule.
proc change {} {
    foreach {key value} {title Goodbye port 9090 color black} {
        after 500 [info coroutine]
        yield
        $::kv put $key $value
    }
    after 500 [info coroutine]
    yield
    set ::done 1
}
coroutine somebody change
vwait done
puts "$config(title) on $config(color), port $config(port)"

$js delete_kv_bucket config
$conn destroy
exit
