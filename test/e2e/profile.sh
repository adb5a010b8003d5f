#!/bin/bash
# serial
# timeout 180
# Samples and their stacks, live: programs with known chains of calls (profile_tool.c), built with and
# without frame pointers, against what `porthole events --kind sample` says of them. Which addresses
# belong to which function is told by nm.
. "$(dirname "$0")/lib/tap.bash"
[ "$(uname -m)" = x86_64 ] || skip_all "stacks are unwound on x86-64 only"
needs_porthole

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

# Not -O2's reordering of the calls themselves: no tail calls, no inlining (noinline in the source).
build() { # build NAME OPTION...
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g0 -fno-optimize-sibling-calls "${@:2}" \
		-o "$dir/$1" "$here/profile_tool.c" || exit 1
	nm "$dir/$1" >"$dir/$1.nm"
}
build tool-fp -O1 -fno-omit-frame-pointer
build tool-nofp -O2 -fomit-frame-pointer
build tool-static -O2 -fomit-frame-pointer -static

fields=thread.tid,proc.pid,proc.name,sample.mode,sample.depth,sample.kernel_depth,sample.end
"$PORTHOLE" events --kind sample --where 'proc.name startswith tool- or proc.name=dd' -o json \
	-f $fields,sample.addresses >"$dir/samples" 2>"$dir/err" &
agent=$!
pids+=($agent)
for _ in $(seq 100); do # until it samples
	dd if=/dev/zero of=/dev/null bs=64k count=2000 2>/dev/null
	[ -s "$dir/samples" ] && break
done

for tool in tool-fp tool-nofp tool-static; do
	for what in chain deep signal altstack jit; do
		"$dir/$tool" $what 4 >"$dir/$tool.$what" &
		pids+=($!)
		echo "$! $tool $what" >>"$dir/runs"
	done
	wait "${pids[@]:1}"
	pids=($agent)
done
dd if=/dev/urandom of=/dev/null bs=1M count=200 2>/dev/null
kill $agent
wait $agent
pids=()
sed 's/^/# /' "$dir/err"
python3 "$here/profile.py" "$dir"
