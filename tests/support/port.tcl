# A TCP port that nobody listens on. It lies below the range from which the kernel picks ports for
# outgoing connections: a client that keeps trying a port inside that range may be given the same
# one as its own, and so connect to itself.
proc free_port {} {
    while 1 {
        set port [expr {12000 + int(rand() * 18000)}]
        if {![catch {socket -server {} -myaddr 127.0.0.1 $port} channel]} {
            close $channel
            return $port
        }
    }
}
