#!/bin/bash
# serial
# timeout 60
# Stacks of threads that wait: programs with known chains of calls (offcpu_tool.c), without frame
# pointers, waiting inside the C library, which has none either.
. "$(dirname "$0")/lib/tap.bash"
command -v gcc >/dev/null || skip_all "needs gcc"
[ "$(uname -m)" = x86_64 ] || skip_all "stacks are unwound on x86-64 only"
program offcpu
