#!/bin/bash
# serial
# timeout 180
# What changed between two profiles, live: a program does one thing more than before. From files, against
# what is measured now and against what the agent kept; by shares and by values; and as go tool pprof
# has it.
. "$(dirname "$0")/lib/tap.bash"
command -v cc >/dev/null || skip_all "needs a C compiler"
needs_porthole

dir=$(mktemp -d)
busy= agent=
stop() {
	for pid in $busy $agent; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	busy= agent=
}
trap 'stop; rm -rf "$dir"' EXIT

n=0
check() {
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# As much of what was there, and from the signal on twice as much of something new.
cat >"$dir/busy.c" <<'END'
#include <signal.h>
static volatile unsigned long x;
static volatile sig_atomic_t more;
static void on(int s) { (void)s; more = 1; }
__attribute__((noinline)) void the_usual(void) { for (int i = 0; i < 1000000; i++) x++; }
__attribute__((noinline)) void the_new_one(void) { for (int i = 0; i < 2000000; i++) x++; }
int main(void)
{
	signal(SIGUSR1, on);
	for (;;) {
		the_usual();
		if (more)
			the_new_one();
	}
}
END
cc -O1 -o "$dir/busyprog" "$dir/busy.c" || skip_all "cannot compile"
cat >"$dir/conf.yaml" <<END
metrics: {enabled: false}
control: {socket: "$dir/s/sock"}
lock: {file: "$dir/s/pid"}
kube: {enabled: false}
profile: {directory: "$dir/kept", max_bytes: 4MiB}
store: {enabled: false}
END
PORTHOLE_PROFILE_PART_MS=500 "$PORTHOLE" run -c "$dir/conf.yaml" >/dev/null 2>"$dir/agent.err" &
agent=$!
for _ in $(seq 200); do
	grep -q "capabilities kept" "$dir/agent.err" && break
	sleep 0.1
done

"$dir/busyprog" &
busy=$!
from=$(date '+%F %T')
"$PORTHOLE" profile --for 3s -p $busy -o pprof -w "$dir/before.pb.gz" 2>"$dir/err" || sed 's/^/# /' "$dir/err"
to=$(date '+%F %T')
sleep 1
kill -USR1 $busy
sleep 2
middle=$(date '+%F %T')
"$PORTHOLE" profile --for 3s -p $busy -o pprof -w "$dir/after.pb.gz" 2>"$dir/err" || sed 's/^/# /' "$dir/err"

# most FILE: the two functions that changed most.
most() { sed -n '/function, its own/{n;p;n;p}' "$1"; }
# points FILE FUNCTION: by how much the share of its own time changed.
points() { sed -n '/function, its own/,/^$/p' "$1" | awk -v f="$2" '$0 ~ f { for (i = 1; i <= NF; i++) if ($i == f) print $(i - 1) }'; }
about() { awk -v v="$1" -v want="$2" 'BEGIN { exit !(v >= want - 12 && v <= want + 12) }'; }

"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/after.pb.gz" >"$dir/text"
check "the new function is one of two that changed most" grep -q '+.*the_new_one' <(most "$dir/text")
check "it is two thirds now" about "$(points "$dir/text" the_new_one)" 66.7
check "the usual one's share fell by as much" about "$(points "$dir/text" the_usual)" -66.7
"$PORTHOLE" profile --base "$dir/after.pb.gz" "$dir/before.pb.gz" >"$dir/back"
check "the other way round it went" about "$(points "$dir/back" the_new_one)" -66.7
"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/before.pb.gz" >"$dir/same"
check "of itself nothing changed" grep -q 'nothing changed' "$dir/same"
"$PORTHOLE" profile --base "$dir/before.pb.gz" -p $busy --for 2s --absolute >"$dir/now" 2>"$dir/err"
check "against what is measured now" grep -q '+.*the_new_one' <(most "$dir/now")
check "the base has no pids, which is said" grep -q 'does not tell one pid from another' "$dir/err"
check "values of different lengths are warned of" grep -q 'different length' "$dir/now"
"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/after.pb.gz" -o folded >"$dir/folded"
check "folded has two values a line" grep -qE 'the_new_one 0 [1-9][0-9]+$' "$dir/folded"
"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/after.pb.gz" -o html -w "$dir/diff.html"
check "the page has both profiles, named by their files" \
	grep -q '"profiles":\[{"title":"[^"]*/before.pb.gz.*"title":"[^"]*/after.pb.gz' "$dir/diff.html"
"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/after.pb.gz" -o pprof -w "$dir/x" 2>/dev/null
check "a form without differences is refused" [ $? = 2 ]
"$PORTHOLE" profile --base "$dir/busy.c" --for 1s >/dev/null 2>"$dir/err"
check "what is no profile is refused before anything is measured" grep -q 'busy.c: it is no profile' "$dir/err"
"$PORTHOLE" profile --base "$dir/before.pb.gz" "$dir/after.pb.gz" --pod no/such >/dev/null 2>"$dir/err"
check "without pods in the files a pod is not to be told" grep -q 'does not tell one pod' "$dir/err"
"$PORTHOLE" profile --for 1s -p $busy --by pid -o pprof -w "$dir/pids.pb.gz" 2>/dev/null
"$PORTHOLE" profile "$dir/pids.pb.gz" -p 1999999999 >/dev/null 2>"$dir/err"
check "a process that is not in it is said" grep -q 'nothing of that' "$dir/err"

sleep 1
"$PORTHOLE" profile --directory "$dir/kept" --from "$middle" --base-from "$from" --base-to "$to" -p $busy \
	>"$dir/kept.text" 2>"$dir/err" || sed 's/^/# /' "$dir/err"
check "two times that the agent kept" about "$(points "$dir/kept.text" the_new_one)" 66.7
"$PORTHOLE" profile --directory "$dir/kept" --from "$from" --to "$to" --base-from yesterday-ish >/dev/null 2>"$dir/err"
check "a wrong time is told by its option" grep -q -- '--base-from: "yesterday-ish"' "$dir/err"

if command -v go >/dev/null; then
	go tool pprof -top -diff_base "$dir/before.pb.gz" -normalize "$dir/after.pb.gz" >"$dir/go" 2>/dev/null
	theirs=$(awk '$NF == "the_new_one" || $(NF-1) == "the_new_one" { sub("%", "", $2); print $2 }' "$dir/go")
	check "go tool pprof has the same (${theirs:-nothing})" about "${theirs:-0}" 66.7
	cat >"$dir/spin.go" <<-'END'
		package main

		import (
			"os"
			"runtime/pprof"
			"time"
		)

		//go:noinline
		func spinInGo() (x int) {
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); x++ {
			}
			return
		}
		func main() {
			f, _ := os.Create(os.Args[1])
			pprof.StartCPUProfile(f)
			spinInGo()
			pprof.StopCPUProfile()
		}
	END
	if (cd "$dir" && GOFLAGS=-mod=mod GOCACHE="$dir/cache" go run spin.go spin.pb.gz) 2>"$dir/err"; then
		"$PORTHOLE" profile "$dir/spin.pb.gz" >"$dir/spin"
		check "a profile that Go wrote is shown, its CPU time" grep -qE '^cpu: [0-9.]+ m?s in' "$dir/spin"
		check "with its functions" grep -q 'main.spinInGo' "$dir/spin"
	else
		sed 's/^/# /' "$dir/err"
		skip "a profile that Go wrote" "go run does not work here"
	fi
else
	skip "as go tool pprof has it" "no go here"
fi
echo "1..$n"
