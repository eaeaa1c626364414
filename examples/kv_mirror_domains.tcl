# A bucket in a hub with a mirror of it in a leaf: read near by, written at the hub, and still read
# while the hub is away. Each is a server of its own, with a JetStream domain of its own.
package require nats

if {![info exists env(NATS_SERVER)]} {
    puts "This example starts two servers of its own: set NATS_SERVER to the path of a nats-server\
        program."
    exit
}

# A folder for their files, and ports that nobody uses.
close [file tempfile folder]
file delete $folder
file mkdir $folder
proc free_port {} {
    set channel [socket -server {} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $channel -sockname] 2]
    close $channel
    return $port
}
set ports [dict create hub [free_port] leaf [free_port]]
set leafnodes [free_port]

proc start_server {name configuration} {
    file mkdir $::folder/$name
    set file [open $::folder/$name.conf w]
    puts $file "listen: \"127.0.0.1:[dict get $::ports $name]\""
    puts $file "jetstream: {store_dir: \"$::folder/$name\", domain: $name}"
    puts $file $configuration
    close $file
    return [exec $::env(NATS_SERVER) -c $::folder/$name.conf >& $::folder/$name.log &]
}

# Tries again until the script succeeds: servers must start, and copies arrive.
proc eventually {script} {
    for {set try 1} {[catch {uplevel 1 $script} result]} {incr try} {
        if {$try == 200} { error "it still fails: $result" }
        after 50 {set ::tick 1}
        vwait ::tick
    }
    return $result
}

proc connect {name} {
    set port [dict get $::ports $name]
    eventually { close [socket 127.0.0.1 $port] }
    set conn [nats::connection new $name]
    $conn configure -servers nats://127.0.0.1:$port
    $conn connect
    return $conn
}

set hub [start_server hub "leafnodes: {listen: \"127.0.0.1:$leafnodes\"}"]
set leaf [start_server leaf "leafnodes: {remotes: \[{url: \"nats-leaf://127.0.0.1:$leafnodes\"}\]}"]
set atHub [connect hub]
set atLeaf [connect leaf]

set menu [[$atHub jet_stream] create_kv_bucket menu]
$menu put soup tomato

# Both ways to the hub's bucket from the leaf: across the domain, and by a mirror.
set across [eventually {[$atLeaf jet_stream -domain hub] bind_kv_bucket menu}]
puts "across the domain: [$across get_value soup]"
set mirror [[$atLeaf jet_stream] create_kv_bucket menu_copy -mirror_name menu -mirror_domain hub]
puts "from the mirror: [eventually {$mirror get_value soup}]"

# A write to the mirror is one to the hub.
$mirror put soup onion
puts "at the hub: [$menu get_value soup]"
eventually { if {[$mirror get_value soup] ne "onion"} { error "not yet" } }

$atHub destroy
exec sh -c "kill $hub"
puts "without the hub: [$mirror get_value soup]"

$atLeaf destroy
exec sh -c "kill $leaf"
# The servers may still be writing.
eventually { file delete -force $folder }
