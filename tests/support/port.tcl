# A TCP port of 127.0.0.1 that nobody listens on, and that no other process of the tests is given as
# long as this one lives: with servers that go down and come back it is not always listened on. What
# keeps it is a listener of this process at the same port of 127.0.0.2.
#
# It lies below the range from which the kernel picks ports for outgoing connections: a client that
# keeps trying a port inside that range may be given the same one as its own, and so connect to itself.
proc free_port {} {
    while 1 {
        set port [expr {12000 + int(rand() * 18000)}]
        if {[catch {socket -server KeptPort -myaddr 127.0.0.2 $port}]} continue
        if {![catch {socket -server {} -myaddr 127.0.0.1 $port} channel]} {
            close $channel
            return $port
        }
    }
}

proc KeptPort {channel args} { close $channel }
