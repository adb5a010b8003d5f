#!/bin/bash
# serial
# porthole run and overhead, live: a workload in a container's cgroup whose programs, opens and
# errors are known, against what the board says of it as JSON, as lines and on a terminal; ends on
# SIGTERM; restored terminals; the cost of a running agent.
. "$(dirname "$0")/lib/tap.bash"
needs_porthole

dir=$(mktemp -d)
pids=()
cgroups=()
cleanup() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	for ((i = ${#cgroups[@]} - 1; i >= 0; i--)); do rmdir "${cgroups[i]}" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT

cat >"$dir/conf.yaml" <<EOF
metrics:
  enabled: false
control:
  socket: "$dir/sock/porthole.sock"
lock:
  file: "$dir/sock/porthole.pid"
kube:
  enabled: false
profile:
  directory: "$dir/profiles"
store:
  directory: "$dir/history"
EOF

# --- a container's cgroup, in the hierarchies that tell identity, CPU and memory here ---

id=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
uid=11111111-2222-4333-8444-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
path=kubepods/burstable/pod$uid/$id
roots=$(awk '$3 == "cgroup" && $4 ~ /(^|,)(pids|cpuacct|memory)(,|$)/ { print $2 }' /proc/self/mounts)
[ -n "$roots" ] || roots=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
for root in $roots; do
	at=$root
	for part in ${path//\// }; do
		at=$at/$part
		[ -d "$at" ] && continue
		mkdir "$at" 2>/dev/null || skip_all "no cgroup can be made in $root"
		cgroups+=("$at")
	done
	echo "$root/$path/cgroup.procs" >>"$dir/procs"
done

# 40 programs, 43 processes, 3 failed opens of its own, and some tenths of a second of CPU.
cat >"$dir/work.sh" <<'EOF'
while read -r procs; do echo $$ >"$procs" || exit 1; done <"$1/procs"
i=0
while [ $i -lt 40 ]; do
	/bin/true
	i=$((i + 1))
done
for f in 1 2 3; do (: <"$1/not-there-$f") 2>/dev/null; done
i=0
while [ $i -lt 500000 ]; do i=$((i + 1)); done
EOF

agent_start() { # NAME OPTION...
	"$PORTHOLE" run -c "$dir/conf.yaml" "${@:2}" >"$dir/$1" 2>"$dir/$1.err" &
	agent=$!
	pids+=("$agent")
	for _ in $(seq 100); do
		grep -q "capabilities kept" "$dir/$1.err" 2>/dev/null && return
		kill -0 "$agent" 2>/dev/null || break
		sleep 0.05
	done
	sed 's/^/# /' "$dir/$1.err"
}

agent_stop() { # NAME: its exit code and the milliseconds it took
	local start
	start=$(date +%s%N)
	kill -TERM "$agent"
	wait "$agent"
	code=$?
	took=$((($(date +%s%N) - start) / 1000000))
	echo "$code $took" >"$dir/$1.end"
	pids=()
}

agent_start json -o json -i 500ms
sh "$dir/work.sh" "$dir"
"$PORTHOLE" run -c "$dir/conf.yaml" >/dev/null 2>"$dir/second.err"
echo $? >"$dir/second.code"
"$PORTHOLE" overhead -c "$dir/conf.yaml" --for 1s -o json >"$dir/overhead.json" 2>"$dir/overhead.err"
echo $? >"$dir/overhead.code"
"$PORTHOLE" overhead -c "$dir/conf.yaml" --for 300ms >"$dir/overhead.text" 2>/dev/null
agent_stop json

agent_start text -i 500ms
sh "$dir/work.sh" "$dir"
sleep 0.6
agent_stop text

"$PORTHOLE" overhead -c "$dir/conf.yaml" --for 1s -o json >"$dir/alone.json" 2>"$dir/alone.err"
echo $? >"$dir/alone.code"
python3 "$here/run.py" "$PORTHOLE" "$dir" "$id" "$uid"
