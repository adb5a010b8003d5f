#!/bin/sh
# portable
# timeout 300
# Unwind tables are compared with readelf's, byte by byte of code: programs compiled here with what
# makes frames odd, and a sample of this machine's libraries. `unwind.py PROGRAM /usr/lib` does all.
set -u
B=${B:-build}
U=$B/test/symbol/unwind_files_test
here=$(dirname "$0")
n=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

say() { # say STATUS NAME OUTPUT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
	sed 's/^/# /' "$3"
}
compare() { # compare NAME ARGUMENT...
	what=$1
	shift
	python3 "$here/unwind.py" "$@" >"$dir/out" 2>&1
	say $? "$what" "$dir/out"
}
compiled() { # compiled NAME COMPILER FLAGS...
	what=$1
	compiler=$2
	shift 2
	if ! command -v "$compiler" >/dev/null; then
		n=$((n + 1))
		echo "ok $n - $what # SKIP no $compiler"
		return
	fi
	if ! "$compiler" -o "$dir/program" "$dir/odd.c" "$@" 2>"$dir/out"; then
		if grep -qi 'fuse-ld' "$dir/out"; then
			n=$((n + 1))
			echo "ok $n - $what # SKIP no such linker"
			return
		fi
		say 1 "$what: it does not compile" "$dir/out"
		return
	fi
	compare "$what" "$U" "$dir/program"
}
tells() { # tells NAME EXPECTED: the last program's table has such a line
	"$U" rows "$dir/program" >"$dir/out"
	grep -qE "$2" "$dir/out"
	found=$?
	: >"$dir/out"
	say $found "$1" "$dir/out"
}

cat >"$dir/odd.c" <<'C'
#include <alloca.h>
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile int sink;

__attribute__((noinline)) int big_frame(int n)
{
	volatile char at[300000];

	at[n] = 1;
	return at[n / 2] + printf("%d\n", n);
}

__attribute__((noinline)) int with_alloca(int n)
{
	char *p = alloca((size_t)n + 64);

	memset(p, n, (size_t)n + 64);
	return p[n / 2] + getpid();
}

__attribute__((noinline)) int realigned(int n)
{
	_Alignas(64) volatile char at[256];

	at[n & 255] = 3;
	return with_alloca(n) + at[n & 127];
}

__attribute__((noinline, cold)) void leaves(int n)
{
	fprintf(stderr, "%d\n", n);
	exit(n);
}

__attribute__((noinline)) int many_ways_out(int n, int m)
{
	if (n == 17)
		leaves(m);
	for (int i = 0; i < n; i++) {
		if (i * m == 91)
			return realigned(i);
		sink += big_frame(i & 255);
	}
	return n > m ? many_ways_out(n - 1, m) + 1 : with_alloca(m);
}

__attribute__((noinline)) int realigned_with_arguments(int a, int b, int c, int d, int e, int f, int g, int h)
{
	_Alignas(64) volatile char at[256];

	at[a & 255] = (char)(b + c + d + e + f + g);
	return with_alloca(h) + at[h & 127] + g;
}

static void on_signal(int number)
{
	sink += number;
}

int main(int argc, char **argv)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	sink += realigned_with_arguments(argc, 2, 3, 4, 5, 6, argc, argc);
	return many_ways_out(argc, (int)strlen(argv[0])) & 1;
}
C

[ -x "$U" ] || { echo "Bail out! $U is not built"; exit 1; }
compiled "gcc -O2" gcc -O2 -fomit-frame-pointer
tells "a frame of 300 kB" '^rule reg 7 300[0-9]{3} '
tells "the entry stub is the outermost function" '^rule stop'
compiled "gcc -O0" gcc -O0
compiled "gcc, stack realigned everywhere" gcc -O2 -mstackrealign -mpreferred-stack-boundary=5
tells "the frame address is loaded" '^rule deref 6 -[0-9]+ 0 2 0 '
compiled "gcc, lazy linkage table, static" gcc -O2 -static
tells "glibc's signal frame" '^rule signal 7 0 '
compiled "gcc, .debug_frame only" gcc -O2 -g -fno-asynchronous-unwind-tables -fno-exceptions
compiled "gcc, .debug_frame compressed" gcc -O2 -g -gz=zlib -fno-asynchronous-unwind-tables -fno-exceptions
tells "its functions are described" '^rule reg 7 300[0-9]{3} '
if objcopy --only-keep-debug "$dir/program" "$dir/debug" 2>/dev/null && strip -g "$dir/program"; then
	compare "a separate file of debug information" --debug "$dir/debug" "$U" "$dir/program"
fi
compiled "gcc, large pages apart from each other" gcc -O2 -Wl,-z,max-page-size=0x200000 -no-pie
compiled "clang -O2" clang-19 -O2 -fomit-frame-pointer
compiled "clang, stack realigned" clang-19 -O2 -mstackrealign -mstack-alignment=32
compiled "lld, whose linkage table has no description" clang-19 -O2 -fuse-ld=lld -Wl,-z,lazy
if [ -e "$dir/program" ] && readelf -p .comment "$dir/program" | grep -q LLD; then
	tells "it is recognized" '^count plt_made'
fi
strip --strip-section-headers "$dir/program" 2>/dev/null ||
	printf '\0\0\0\0\0\0\0\0' | dd of="$dir/program" bs=1 seek=40 conv=notrunc 2>/dev/null
tells "without section headers too" '^rule reg 7 300[0-9]{3} '
compare "60 libraries of this machine" --sample 60 "$U" /usr/lib
echo "1..$n"
