# Callbacks that are methods.

# Inside a method of any object: a command prefix that calls a method of this object.
proc ::nats::mymethod {method args} {
    return [list ::nats::CallIfAlive [uplevel 1 {self namespace}]::my $method {*}$args]
}

# `my` is the object's own command, which goes with the object.
proc ::nats::CallIfAlive {my args} {
    if {[namespace which -command $my] eq ""} return
    tailcall $my {*}$args
}
