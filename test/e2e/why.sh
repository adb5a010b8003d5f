#!/bin/bash
# serial
# timeout 180
# `porthole why` and `porthole profile`, live, on a program that is known: what they say of it, that
# every second of it is accounted for, the forms, and what is refused. Sick containers: test/lab.
. "$(dirname "$0")/lib/tap.bash"
[ "$(uname -m)" = x86_64 ] || skip_all "stacks are unwound on x86-64 only"
needs_porthole

dir=$(mktemp -d)
pid=
stop() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=
}
trap 'stop; rm -rf "$dir"' EXIT

n=0
check() {
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else
		echo "not ok $n - $what"
		[ ! -s "$dir/err" ] || sed 's/^/# /' "$dir/err" | head -n 5
	fi
}

cat >"$dir/app.c" <<'C'
#include <pthread.h>
#include <time.h>
volatile double sink; /* so that no call is left out */
__attribute__((noinline)) double mill(double x)
{
	sink = x;
	for (int i = 0; i < 1000; i++)
		x = x * 1.0000001 + 0.5 / (x + 1);
	return x;
}
__attribute__((noinline)) double market(int n)
{
	double s = 0;
	for (int i = 0; i < n; i++)
		s += mill(i);
	return s;
}
static void *rest(void *p)
{
	for (;;)
		nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, 0);
	return p;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, rest, 0);
	for (;;)
		if (market(1000) == 0.1)
			return 1;
}
C
gcc -O2 -fomit-frame-pointer -o "$dir/app" "$dir/app.c" -lpthread || skip_all "no compiler"
"$dir/app" &
pid=$!

json() { python3 -c "import json,sys; d=json.load(open('$dir/why.json')); sys.exit(not ($1))"; }

"$PORTHOLE" why "$pid" --for 3s -o json --html "$dir/why.html" >"$dir/why.json" 2>"$dir/err"
check "why answers" test -s "$dir/why.json"
check "the hot function is found, by name" json \
	"any(f['cause']=='hot-function' and 'mill' in f['title'] for f in d['findings'])"
check "first of all, or after the CPU that others take" json \
	"d['findings'][0]['cause'] in ('hot-function','cpu-neighbour')"
check "each finding has its parts" json \
	"all(f['confidence'] in ('certain','likely','possible') and f['evidence'] and f['advice'] for f in d['findings'])"
check "two threads' seconds are accounted for" json \
	"abs(sum(d['time'].values()) - 2*d['watched']) < 0.15*2*d['watched']"
check "one sleeps" json "d['time']['sleep'] > 0.7*d['watched']"
check "the page is whole" grep -q '</html>' "$dir/why.html"

"$PORTHOLE" why app --for 1s >"$dir/out" 2>"$dir/err"
check "a process by its name" grep -q 'processes app' "$dir/out"
"$PORTHOLE" why nosuchthing >"$dir/out" 2>"$dir/err"
check "a target that is not there is said to be so" grep -q 'no process, container or pod' "$dir/err"

"$PORTHOLE" profile --pid "$pid" --for 2s -o folded >"$dir/folded" 2>"$dir/err"
check "profile: the chain of calls without frame pointers" \
	grep -Eq '_start;.*main;market;mill [0-9]+$' "$dir/folded"
"$PORTHOLE" profile --pid "$pid" --for 1s >"$dir/out" 2>"$dir/err"
check "profile: as text" grep -Eq ' (mill|market|main) ' "$dir/out"
"$PORTHOLE" profile --pid "$pid" --for 2s --wall --by state -o folded >"$dir/wall" 2>"$dir/err"
check "profile --wall: sleep is there" grep -q '^sleep;' "$dir/wall"
check "profile --wall: running too" grep -q '^running;' "$dir/wall"
"$PORTHOLE" profile --pid "$pid" --for 1s -o html -w "$dir/p.html" 2>"$dir/err"
check "profile: a page" grep -q '</html>' "$dir/p.html"
"$PORTHOLE" profile -o nosuch >"$dir/out" 2>"$dir/err"
check "profile: a form that does not exist" grep -q 'is none of' "$dir/err"

"$PORTHOLE" record -w "$dir/capture" --kind sample --for 2s >/dev/null 2>"$dir/err"
"$PORTHOLE" profile --replay "$dir/capture" --pid "$pid" -o folded >"$dir/replayed" 2>"$dir/err"
check "profile of a capture, names while the program lives" grep -q 'mill' "$dir/replayed"
stop
echo "1..$n"
