#!/bin/bash
# Sockets and signals, live: a workload in a network namespace of its own, whose process numbers,
# ports, byte counts and errors are known (net.py work), against what `porthole events` says of it
# (net.py check). Covers a server older than porthole, and a filter by process for events that
# happen in interrupts.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
porthole=${PORTHOLE:-$here/../../build/porthole}
kinds=connect,accept,bind,listen,close,tcp,udp,signal

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
if [ "${1:-}" != inside ]; then
	unshare -n true 2>/dev/null || skip_all "no network namespaces here"
	exec unshare -n "$0" inside
fi
ip link set lo up || skip_all "no loopback in a network namespace"
"$porthole" doctor >/dev/null 2>&1 || skip_all "porthole cannot run here (porthole doctor tells why)"

dir=$(mktemp -d)
pids=()
stop() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	pids=()
}
trap 'stop; rm -rf "$dir"' EXIT

# agent_start NAME OPTION...: porthole writes $dir/NAME until stopped.
agent_start() {
	"$porthole" events -o json "${@:2}" >"$dir/$1" 2>"$dir/$1.err" &
	pids+=($!)
}

python3 "$here/net.py" old "$dir" &
pids+=($!)
until [ -s "$dir/old.json" ] || ! kill -0 $! 2>/dev/null; do sleep 0.05; done

agent_start events --kind $kinds
agent_start filtered --kind tcp,udp --pid "${pids[0]}"
python3 "$here/net.py" work "$dir" 2>"$dir/work.err" || sed 's/^/# /' "$dir/work.err"
stop
grep -h . "$dir"/*.err | sed 's/^/# /'
python3 "$here/net.py" check "$dir"
