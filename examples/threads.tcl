# Threads: each has an interpreter and connections of its own, and they all share the one thread
# that speaks to servers. Here three workers of a queue group share the jobs of the main thread.
package require nats
if {[catch {package require Thread}]} {
    puts "This example needs the package Thread (Debian: apt-get install tcl-thread)."
    exit
}

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]

# What a thread does from its beginning to its end. Objects do not cross threads; strings do.
set work {
    package require nats
    set conn [nats::connection new $name]
    $conn configure -servers $server
    $conn connect
    $conn subscribe squares -queue workers -callback answer
    proc answer {subject number reply} {
        # Something that takes a while: other threads go on meanwhile.
        after 100
        $::conn publish $reply "$number * $number = [expr {$number * $number}], says $::name"
    }
    # When the server has answered, it knows of the subscription.
    $conn ping
    thread::send -async $main [list lappend ready $name]
    thread::wait
    $conn drain
}

foreach name {anna ben carla} {
    lappend threads [thread::create -joinable [join [list \
        [list set auto_path $auto_path] [list set name $name] [list set server $server] \
        [list set main [thread::id]] $work] \n]]
}
set ready {}
while {[llength $ready] < 3} { vwait ready }

set conn [nats::connection new main]
$conn configure -servers $server
$conn connect
for {set number 1} {$number <= 9} {incr number} {
    $conn request squares $number -callback {apply {{timedOut answer} {
        puts $answer
        incr ::answered
    }}}
}
while {![info exists answered] || $answered < 9} { vwait answered }

$conn destroy
foreach thread $threads {
    thread::release $thread
    thread::join $thread
}
