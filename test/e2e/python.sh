#!/bin/bash
# serial
# timeout 240
# Python frames in profiles, live: programs with known chains of calls (python_tool.py) under each
# interpreter of this machine that is known, against what `porthole profile` says of them: on the CPU,
# and where they wait.
. "$(dirname "$0")/lib/tap.bash"
[ "$(uname -m)" = x86_64 ] || skip_all "stacks are unwound on x86-64 only"
needs_porthole

interpreters=()
for python in /usr/bin/python3.{11,12,13} /root/.pyenv/versions/3.1[123].*/bin/python3.1[123]; do
	[ -x "$python" ] && interpreters+=("$python")
done
[ ${#interpreters[@]} -gt 0 ] || skip_all "no Python 3.11 to 3.13 here"

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

# All programs of one interpreter at once, under one agent; those that end at once, again and again.
run() { # run PYTHON NUMBER
	local what spawn

	for what in recursion deep generators callbacks threads; do
		"$1" "$here/python_tool.py" $what 60 &
		pids+=($!)
		echo "$! $2 $1 $what" >>"$dir/runs"
	done
	(
		while :; do
			"$1" -S "$here/python_tool.py" short 1
		done
	) &
	spawn=$!
	pids+=($spawn)
	"$PORTHOLE" profile --where 'proc.name startswith python' --for 8s --hz 199 --by pid -o pprof \
		-w "$dir/profile.$2" 2>"$dir/err.$2"
	echo $? >"$dir/code.$2"
	stop
	"$1" "$here/python_tool.py" waits 60 &
	pids+=($!)
	echo "$! $2 $1" >>"$dir/waits"
	"$PORTHOLE" profile --off-cpu -p $! --for 6s --by pid,state -o pprof -w "$dir/waits.$2" 2>>"$dir/err.$2"
	"$PORTHOLE" why $! --for 4s -o json >"$dir/why.$2" 2>>"$dir/err.$2"
	stop
}
n=0
for python in "${interpreters[@]}"; do
	run "$python" $n
	sed 's/^/# /' "$dir/err.$n"
	n=$((n + 1))
done
python3 "$here/python.py" "$dir" "$here/python_tool.py" $n
