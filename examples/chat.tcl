# A chat in wish. Who is there is kept in a key-value bucket.
#
#   wish chat.tcl                                    two windows, for Anna and Ben
#   wish chat.tcl -names Carla -servers ws://host:80  one window, by WebSocket
#   wish chat.tcl -demo 10                           talks to itself, and ends after 10 seconds
package require Tk
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set options [dict merge [dict create -servers $server -names {Anna Ben} -room lobby -demo 0] $argv]
# The second one comes by WebSocket if the server speaks it.
set urls [list [dict get $options -servers]]
if {[info exists env(NATS_WS_URL)]} { lappend urls $env(NATS_WS_URL) }

# Whoever has not said for so many milliseconds that he is there, is gone.
set presence 6000

# One window of one user, with a connection of its own.
oo::class create Chat {
    variable name room window conn watcher kv people here waiting total

    constructor {userName url roomName place} {
        set name $userName
        set room $roomName
        set people [dict create]
        set here 1
        set waiting {}
        set total 0
        my BuildWindow $place
        set conn [nats::connection new $name -log_chan stderr -log_level error]
        trace add variable ${conn}::status write [namespace code {my ShowStatus}]
        $conn configure -servers $url -utf8_convert true -max_reconnect_attempts -1
        $conn connect
        my JoinRoom
        # Names are part of the subject, so everybody knows who speaks.
        $conn subscribe chat.$room.* -callback [nats::mymethod Received]
        my Draw
    }

    destructor {
        set here 0
        if {[info exists kv]} { catch { $kv delete [my Key] } }
        if {[info exists conn]} { $conn destroy }
        if {[winfo exists $window]} { ::destroy $window }
    }

    # What the user does

    method say {text} {
        if {$text ne ""} { $conn publish chat.$room.[my Key] $text }
    }

    method Send {} {
        my say [$window.bottom.entry get]
        $window.bottom.entry delete 0 end
    }

    # Letters and digits are fine in subjects and keys.
    method Key {} { regsub -all {[^A-Za-z0-9_-]} $name _ }

    # Messages may come much faster than anybody can read. So they are only kept here, and a timer
    # draws: no more of them at a time than the window shows.

    method Received {subject message reply} {
        incr total
        lappend waiting $subject $message
        if {[llength $waiting] > 1000} { set waiting [lrange $waiting end-39 end] }
    }

    method Draw {} {
        my DropAbsent
        if {[llength $waiting]} {
            set text $window.middle.text
            set pieces {}
            foreach {subject what} [lrange $waiting end-39 end] {
                set who [lindex [split $subject .] end]
                set tag [expr {$who eq [my Key] ? "me" : "other"}]
                lappend pieces "$who: " [list name $tag] $what\n $tag
            }
            set waiting {}
            $text configure -state normal
            $text insert end {*}$pieces
            set lines [lindex [split [$text index end] .] 0]
            if {$lines > 200} { $text delete 1.0 [expr {$lines - 200}].0 }
            $text configure -state disabled
            $text see end
        }
        $window.top.total configure -text "$total messages"
        # Puts it on the screen before anything else has its turn. The next picture comes some time
        # after that, or slow drawing would leave no time for messages.
        update idletasks
        incr ::drawn
        after 60 [nats::mymethod Draw]
    }

    method total {} { return $total }

    # Presence: everybody writes a key again and again, and watches those of all.

    method JoinRoom {} {
        set js [$conn jet_stream]
        try {
            set kv [$js create_kv_bucket EXAMPLE_CHAT -ttl $::presence -storage memory]
        } trap {NATS ErrJSResponse} {} {
            # Somebody has made it otherwise.
            set kv [$js bind_kv_bucket EXAMPLE_CHAT]
        }
        set watcher [$kv watch * -callback [nats::mymethod Seen]]
        coroutine keep_present my KeepPresent
    }

    # In a coroutine: the window does not wait until the server has answered.
    method KeepPresent {} {
        while {$here} {
            # Without a connection others are to think that we are gone.
            if {[$conn cget status] eq "connected"} { catch { $kv put [my Key] $name } }
            after [expr {$::presence / 3}] [list catch [info coroutine]]
            yield
        }
    }

    method Seen {entry} {
        if {$entry eq ""} return
        if {[dict get $entry operation] eq "PUT"} {
            dict set people [dict get $entry value] [clock milliseconds]
        } else {
            set people [dict filter $people script {who -} {
                expr {[regsub -all {[^A-Za-z0-9_-]} $who _] ne [dict get $entry key]}
            }]
        }
        my ShowPeople
    }

    method DropAbsent {} {
        set limit [expr {[clock milliseconds] - $::presence}]
        set present [dict filter $people script {- seen} { expr {$seen >= $limit} }]
        if {[dict size $present] < [dict size $people]} {
            set people $present
            my ShowPeople
        }
    }

    method ShowPeople {} {
        $window.middle.people delete 0 end
        foreach who [lsort [dict keys $people]] { $window.middle.people insert end " $who" }
    }

    # The window

    method ShowStatus args {
        set status [set ${conn}::status]
        set colours {connected #2e9e4f connecting #e0a000 reconnecting #e0a000 closed #c03030}
        $window.top.light configure -foreground [dict get $colours $status]
        set text $status
        if {$status eq "connected"} {
            set server [lindex [$conn all_servers] end]
            set text "[dict get $server scheme]://[dict get $server host]:[dict get $server port]"
        }
        $window.top.status configure -text $text
    }

    method BuildWindow {place} {
        set window [toplevel .[string tolower [my Key]] -background white]
        wm title $window "$name in $room"
        wm geometry $window 420x340+[expr {$place * 440 + 10}]+10
        wm protocol $window WM_DELETE_WINDOW { set done 1 }
        frame $window.top -background white
        label $window.top.light -text \u25cf -font {Helvetica 16} -background white
        label $window.top.name -text $name -font {Helvetica 12 bold} -background white
        label $window.top.status -background white
        label $window.top.total -background white
        pack $window.top.light $window.top.name $window.top.status -side left
        pack $window.top.total -side right
        frame $window.middle -background white
        listbox $window.middle.people -width 12 -borderwidth 0 -background #eef2f5
        text $window.middle.text -width 10 -height 5 -wrap word -state disabled -borderwidth 0 \
            -padx 8 -pady 4 -highlightthickness 0 -font {Helvetica 10}
        $window.middle.text tag configure name -font {Helvetica 10 bold}
        $window.middle.text tag configure me -foreground #1d5a7a
        pack $window.middle.people -side right -fill y
        pack $window.middle.text -side left -fill both -expand 1
        frame $window.bottom -background white
        entry $window.bottom.entry
        button $window.bottom.send -text Send -command [namespace code {my Send}]
        bind $window.bottom.entry <Return> [namespace code {my Send}]
        pack $window.bottom.entry -side left -fill x -expand 1
        pack $window.bottom.send -side right
        pack $window.top $window.bottom -side top -fill x -padx 8 -pady 4
        pack $window.bottom -side bottom
        pack $window.middle -fill both -expand 1 -padx 8
        focus $window.bottom.entry
    }
}

# The demo: a talk, and in each second a line that tells what was done.

proc talk {talkers lines} {
    if {![llength $lines]} return
    set lines [lassign $lines line]
    [lindex $talkers 0] say $line
    after 600 [list talk [list {*}[lrange $talkers 1 end] [lindex $talkers 0]] $lines]
}

proc every_second {chats} {
    after 1000 [list every_second $chats]
    set now [clock microseconds]
    set total [tcl::mathop::+ {*}[lmap chat $chats { $chat total }]]
    if {[info exists ::second]} {
        lassign $::second at drawn_then total_then
        set seconds [expr {($now - $at) / 1e6}]
        puts [format "%.1f pictures and %d messages per second in each window" \
            [expr {($::drawn - $drawn_then) / $seconds / [llength $chats]}] \
            [expr {round(($total - $total_then) / $seconds / [llength $chats])}]]
        flush stdout
    }
    set ::second [list $now $::drawn $total]
}

wm withdraw .
set drawn 0
set chats {}
foreach name [dict get $options -names] {
    set place [llength $chats]
    set url [lindex $urls [expr {$place % [llength $urls]}]]
    lappend chats [Chat new $name $url [dict get $options -room] $place]
}
if {[dict get $options -demo]} {
    every_second $chats
    talk $chats {
        "Hello?" "Hello Anna!" "Which way do you come?" "By WebSocket, if there is one. You?"
        "By TCP. Do you see me in the list?" "Yes, it is a key-value bucket."
        "And when I leave?" "Then your key goes, too. Gr\u00fc\u00dfe!"
    }
    after [expr {[dict get $options -demo] * 1000}] { set done 1 }
}
vwait done
foreach chat $chats { $chat destroy }
exit
