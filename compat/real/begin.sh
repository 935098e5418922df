# Read by the other scripts: the folder, the program, and its end. Not run by itself.

PATH=$PATH:/usr/sbin:/sbin
out=$(realpath "$1")
chmod 755 "$out"
child=

# Ends with 77 unless all these programs are there.
need() {
    local program
    for program; do
        command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 77; }
    done
}

# A port of 127.0.0.1 that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# Runs a command until it succeeds, while the program runs.
await() {
    local n
    for ((n = 0; n < 600; n++)); do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$child" 2>/dev/null || { echo "the program ended early; its last words:" >&2; tail -n 20 "$out/said" >&2; exit 1; }
        sleep 0.05
    done
    echo "gave up: $*" >&2
    exit 1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
has_lines() { (($(wc -l <"$1") >= $2)); }

# Starts the program in the background.
start() {
    "$@" >"$out/said" 2>&1 </dev/null &
    child=$!
}

# Stops it, with this signal, and waits for its end.
stop() {
    [[ -n $child ]] || return 0
    kill "-${1:-TERM}" "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    child=
}
trap 'stop KILL' EXIT
