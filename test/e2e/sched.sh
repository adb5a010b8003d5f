#!/bin/bash
# serial
# timeout 120
# Where threads' time goes: programs that spend a known time in one state, against what porthole says.
. "$(dirname "$0")/lib/tap.bash"
command -v gcc >/dev/null || skip_all "needs gcc"
program sched
