#!/bin/bash
# serial
# timeout 120
# The continuous profile of porthole run, live: what a busy program did is found afterwards, with its
# names, though privileges are dropped; the bound in bytes removes the oldest; what kill -9 leaves can
# be read; without a folder the agent goes on.
. "$(dirname "$0")/lib/tap.bash"
command -v cc >/dev/null || skip_all "needs a C compiler"
needs_porthole

dir=$(mktemp -d)
agent= busy=
cleanup() {
	for pid in $busy $agent; do kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
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

agent_start() { # DIRECTORY MAX_BYTES
	cat >"$dir/conf.yaml" <<-END
		metrics: {enabled: false}
		control: {socket: "$dir/s/sock"}
		lock: {file: "$dir/s/pid"}
		kube: {enabled: false}
		profile: {directory: "$1", max_bytes: $2}
		store: {enabled: false}
	END
	PORTHOLE_PROFILE_PART_MS=1000 "$PORTHOLE" run -c "$dir/conf.yaml" >/dev/null 2>"$dir/err" &
	agent=$!
	for _ in $(seq 200); do
		grep -q "capabilities kept" "$dir/err" && return
		sleep 0.1
	done
	sed 's/^/# /' "$dir/err"
}

cat >"$dir/busy.c" <<'END'
volatile unsigned long x;
__attribute__((noinline)) void spin_in_the_night(void) { for (;;) x++; }
int main(void) { spin_in_the_night(); return 0; }
END
cc -O1 -o "$dir/busyprog" "$dir/busy.c" || skip_all "cannot compile"

agent_start "$dir/p/q" 1MiB
"$dir/busyprog" &
busy=$!
sleep 5
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=
kill "$busy"
wait "$busy" 2>/dev/null
"$PORTHOLE" profile --from "1m ago" --directory "$dir/p/q" --pid "$busy" -o folded >"$dir/folded" 2>"$dir/note"
check "after kill -9 the busy function is found, by its name" grep -q spin_in_the_night "$dir/folded"
check "with the kernel's names where there are kernel frames, or none" \
	bash -c '! grep -qE "(^|;)0xffff" "$1"' - "$dir/folded"
check "what was not kept is told" grep -q "nothing was kept from" "$dir/note"
"$PORTHOLE" profile --from "1m ago" --directory "$dir/p/q" --pid 1999999999 -o folded >"$dir/none" 2>/dev/null
check "another process is not in it" bash -c '! grep -q spin_in_the_night "$1"' - "$dir/none"
"$PORTHOLE" profile --from "1m ago" --directory "$dir/p/q" --where 'proc.pid=1' >/dev/null 2>&1
check "--where is refused" [ $? = 2 ]
busy=

# Of the last hour, so that it is not their age.
old=$(($(date +%s) - 3000))
for i in $(seq 300); do
	head -c 4096 /dev/zero >"$dir/p/q/profile-$((old + i))000000000-1000000000.pp"
done
agent_start "$dir/p/q" 1MiB
sleep 3
kill "$agent"
wait "$agent"
agent=
check "the oldest go" [ ! -e "$dir/p/q/profile-$((old + 1))000000000-1000000000.pp" ]
check "the youngest stay" [ -e "$dir/p/q/profile-$((old + 300))000000000-1000000000.pp" ]
bytes=$(cat "$dir"/p/q/*.pp | wc -c)
check "and all is within the bound ($bytes bytes)" [ "$bytes" -le 1048576 ]

: >"$dir/file"
agent_start "$dir/file/p" 1MiB
check "without a folder the agent says so" grep -q "no profiles are kept" "$dir/err"
check "and goes on" kill -0 "$agent"
kill "$agent"
wait "$agent"
agent=
echo "1..$n"
