# The commands about keys in a bucket.

natstcl::command {kv get} {bucket key} "Shows the value of a key." {
    {revision number "" "the value that this revision has"}
    {raw      flag   0  "write the value as it is, without a line end"}
} {
    set options {}
    if {$option(revision) ne ""} { lappend options -revision $option(revision) }
    set entry [[bucket $bucket] get $key {*}$options]
    if {$option(raw)} {
        fconfigure stdout -translation binary
        puts -nonewline [dict get $entry value]
    } elseif {$option(json)} {
        show_entry $entry
    } else {
        puts [payload_text [dict get $entry value]]
    }
}

natstcl::command {kv put} {bucket key {value ""}} "Sets a value." {
    {file text "" "take the value from this file; - is stdin"}
} {
    show_revision $key [[bucket $bucket] put $key [payload $value]]
}

natstcl::command {kv create} {bucket key {value ""}} "Sets the value of a key that does not exist." {
    {file text "" "take the value from this file; - is stdin"}
} {
    show_revision $key [[bucket $bucket] create $key [payload $value]]
}

natstcl::command {kv update} {bucket key value revision} \
        "Sets a value if the key is still at this revision." {
    {file text "" "take the value from this file, and give an empty one; - is stdin"}
} {
    show_revision $key [[bucket $bucket] update $key [payload $value] $revision]
}

natstcl::command {kv revert} {bucket key revision} "Gives a key an older value again." {} {
    show_revision $key [[bucket $bucket] revert $key $revision]
}

natstcl::command {kv del} {bucket key} "Deletes a key; its history stays." {
    {revision number "" "only if the key is still at this revision"}
} {
    [bucket $bucket] delete $key $option(revision)
    say "$key deleted"
}

natstcl::command {kv purge} {bucket key} "Deletes a key and its history." {} {
    [bucket $bucket] purge $key
    say "$key purged"
}

natstcl::command {kv keys} {bucket} "Lists the keys." {} {
    try {
        set keys [[bucket $bucket] keys]
    } trap {NATS ErrKeyNotFound} {} {
        set keys {}
    }
    show_rows {key text} [lmap key [lsort $keys] { list $key }]
}

natstcl::command {kv history} {bucket key} "Shows all values of a key, or of a pattern of keys." {} {
    show_entries [[bucket $bucket] history $key]
}

natstcl::command {kv watch} {bucket {pattern >}} "Shows values, and every change from now on." {
    {updates flag   0 "changes only"}
    {count   number 0 "end after so many"}
} {
    variable finished 0
    variable seen 0
    [bucket $bucket] watch $pattern -updates_only $option(updates) -callback ::natstcl::watched
    say "watching $pattern in $bucket"
    while {!$finished} { vwait ::natstcl::finished }
}

proc natstcl::show_revision {key revision} {
    show_record [list key text $key revision number $revision]
}

proc natstcl::show_entries {entries} {
    variable option
    if {$option(json)} {
        foreach entry $entries { show_entry $entry }
        return
    }
    show_rows {revision number created time operation text key text value text} \
        [lmap entry $entries {
            lmap name {revision created operation key value} {
                set value [dict get $entry $name]
                expr {$name eq "value" ? [payload_text $value] : $value}
            }
        }]
}

# An empty entry marks that the values of now are complete.
proc natstcl::watched {entry} {
    variable option
    variable seen
    variable finished
    if {$entry eq "" || $finished} return
    show_entry $entry
    flush_soon
    if {[incr seen] == $option(count)} { set finished 1 }
}

proc natstcl::show_entry {entry} {
    variable option
    dict with entry {}
    if {$option(json)} {
        puts [json::object [list key text $key {*}[payload_triple $value value] \
            revision number $revision created time $created operation text $operation]]
    } else {
        set time [readable time $created]
        puts "$time  $revision  [expr {$operation eq "PUT" ? "$key: [one_line [payload_text $value]]" :
            "$key was [dict get {DEL deleted PURGE purged} $operation]"}]"
    }
}
