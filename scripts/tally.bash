# What scripts/test and scripts/test-matrix share, for `source`: parts that pass or fail, the suites
# in one shell, and the closing line "N passed, N failed", with ", N skipped" when something could
# not run.
#
#   TEST_JOBS      test files that run side by side (default 2: most of them mostly wait)
#   TEST_TIMEOUT   seconds that one test file may take (default 600)

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

heading() { printf '\n== %s\n' "$*"; }

add() { ((passed += $1, failed += $2, skipped += $3)); }

finish() {
    printf '\n%d passed, %d failed%s\n' "$passed" "$failed" \
        "$( ((skipped)) && echo ", $skipped skipped")"
    exit $((failed > 0))
}

# One check that passes or fails as a whole.
check() {
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok   $name"
        add 1 0 0
    else
        cat "$log"
        echo "FAIL $name"
        add 0 1 0
    fi
}

# What every part needs, or nothing goes on: shells, a server, the library of this very source.
# Sets "library" to its path.
prepare_and_build() {
    scripts/prepare || { add 0 1 0; finish; }
    NATS_SERVER=${NATS_SERVER:-$(scripts/nats-server)} || { add 0 1 0; finish; }
    export NATS_SERVER
    heading "Building the package"
    if make --no-print-directory all; then
        add 1 0 0
    else
        add 0 1 0
        finish
    fi
    library=$(make -s library-path)
}

# The suites of these files, or all, in one of the shells of scripts/prepare.
tcl_suites() {
    local shell=$PWD/.cache/shells/$1
    shift
    if [[ ! -x $shell ]]; then
        echo "skipped: this machine has no such shell (see scripts/prepare)"
        add 0 0 1
        return
    fi
    sha256sum "$library"
    TCLLIBPATH=$PWD/build "$shell" tests/all.tcl \
        -jobs "${TEST_JOBS:-2}" -timeout "${TEST_TIMEOUT:-600}" "$@" 2>&1 | tee "$log"
    add_sum_in_log
}

# The long run in one of the shells, for so many minutes after its warm-up. All threads share one pool
# of memory, or which thread has freed something would decide on what the process holds.
soak() {
    heading "Soak: $1, $2 min"
    MALLOC_ARENA_MAX=1 TCLLIBPATH=$PWD/build ".cache/shells/$1" tests/soak/soak.tcl "$2" 2>&1 | tee "$log"
    add_sum_in_log
}

# The last line in the log of a part that counts by itself.
add_sum_in_log() {
    local counts
    if read -r -a counts < <(tail -n 1 "$log" |
        sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p'); then
        add "${counts[@]}"
    else
        echo "FAIL the runner ended without a sum"
        add 0 1 0
    fi
}
