# Clusters of real NATS servers on this machine. A cluster is the list of its servers' handles, so
# everything that server.tcl offers works on the elements.
#
#   set nodes [cluster::start ?count? ?configuration? ?-jetstream bool?]
#                             3 servers that know each other, without JetStream unless told so
#   cluster::await $nodes     returns when every running server announces all running ones
#   cluster::remove $nodes
#
# The servers announce each other's client ports in connect_urls.

foreach part {port server} {
    source [file join [file dirname [file normalize [info script]]] $part.tcl]
}

namespace eval cluster {
    variable count 0
}

proc cluster::start {{size 3} {configuration ""} args} {
    variable count
    set options [dict merge {-jetstream 0} $args]
    set name test-[pid]-[incr count]
    set routes [Ports $size]
    set urls [lmap port $routes { string cat nats://127.0.0.1:$port }]
    set nodes {}
    foreach port $routes {
        lappend nodes [server::start "cluster {
            name: \"$name\", listen: \"127.0.0.1:$port\", routes: \[[join $urls {, }]\]
        }
        $configuration" {*}$options]
    }
    await $nodes
    return $nodes
}

proc cluster::await {nodes} {
    set running [lmap node $nodes { if {![server::running $node]} continue; set node }]
    set ports [lsort -integer [lmap node $running { server::port $node }]]
    set deadline [expr {[clock milliseconds] + 60000}]
    foreach node $running {
        while {[set announced [Announced $node]] ne $ports} {
            if {[clock milliseconds] > $deadline} {
                error "the cluster is not complete: [server::port $node] announces $announced"
            }
            after 20
        }
    }
}

proc cluster::remove {nodes} {
    foreach node $nodes { server::remove $node }
}

proc cluster::Ports {count} { lmap - [lrepeat $count ""] { free_port } }

# The client ports in the connect_urls of a server's INFO.
proc cluster::Announced {node} {
    set channel [socket 127.0.0.1 [server::port $node]]
    set info [gets $channel]
    close $channel
    regexp {"connect_urls":\[([^\]]*)\]} $info -> urls
    if {![info exists urls]} { return {} }
    return [lsort -integer [lmap {- port} [regexp -all -inline {:(\d+)"} $urls] { set port }]]
}
