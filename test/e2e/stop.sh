#!/bin/bash
# serial
# Stopping, live: porthole is gone at once however many system calls it watches; what it leaves to
# let go of them holds no lock and no port, ends by itself, and keeps no next porthole waiting.
. "$(dirname "$0")/lib/tap.bash"
needs_porthole

dir=$(mktemp -d)
pid=
cleanup() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

n=0
check() {
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}

now_ms() { date +%s%3N; }

# events_start: in the background, until it has shown an event; how long that took in $took.
events_start() {
	local begin
	begin=$(now_ms)
	"$PORTHOLE" events --alone --kind all >"$dir/events" 2>"$dir/events.err" &
	pid=$!
	for _ in $(seq 400); do
		/bin/true
		[ -s "$dir/events" ] && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	took=$(($(now_ms) - begin))
	[ -s "$dir/events" ]
}

# stop: SIGTERM, and how long until it has ended in $took.
stop() {
	local begin
	begin=$(now_ms)
	kill "$pid"
	wait "$pid"
	took=$(($(now_ms) - begin))
	pid=
}

# Processes that let go of what a porthole had.
detaching() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = porthole-detach ] || continue
		grep -qs '^State:.*Z' "$p/status" || echo "${p#/proc/}"
	done
}

none_detaching() {
	local left
	for _ in $(seq 300); do
		left=$(detaching)
		[ -z "$left" ] && return
		sleep 0.1
	done
	echo "# still there: $left"
	return 1
}

gone_at_once() {
	echo "# gone after $took ms"
	[ "$took" -lt 1000 ]
}

none_detaching || skip_all "another porthole on this machine is letting go for half a minute"
check "events: all system calls watched" events_start
first=$took
stop
check "events: gone within a second of SIGTERM" gone_at_once
held() { [ -n "$(detaching)" ]; }
check "what lets go of them outlives it" held
holds_nothing() {
	local p fds
	for p in $(detaching); do
		fds=$(readlink "/proc/$p"/fd/* 2>/dev/null | grep -Ev 'perf.event|bpf.link|pipe:|/dev/null')
		[ -z "$fds" ] || { echo "# $p has $fds" && return 1; }
	done
}
check "it holds events and links, and nothing else" holds_nothing
second_starts() {
	events_start || return
	echo "# first event after $took ms, before $first ms"
	[ "$took" -lt $((first + 2000)) ]
}
check "a second one starts meanwhile without waiting for each of them" second_starts
stop
check "and is gone within a second" gone_at_once

cat >"$dir/conf.yaml" <<EOC
metrics: {address: "127.0.0.1:19877"}
control: {socket: "$dir/porthole.sock"}
lock: {file: "$dir/porthole.pid"}
kube: {enabled: false}
store: {directory: "$dir/history"}
EOC
agent_start() {
	"$PORTHOLE" run --config "$dir/conf.yaml" >"$dir/run" 2>&1 &
	pid=$!
	for _ in $(seq 200); do
		[ -S "$dir/porthole.sock" ] && return
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	sed 's/^/# /' "$dir/run"
	return 1
}
check "run: starts" agent_start
stop
check "run: gone within a second of SIGTERM" gone_at_once
check "run: starts again at once: the lock and the port are free" agent_start
stop
check "all is let go of in the end" none_detaching
echo "1..$n"
