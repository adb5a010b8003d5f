#!/bin/bash
# serial
# timeout 120
# Operations through io_uring, live: the same events as of the system calls they stand for.
. "$(dirname "$0")/lib/tap.bash"
program uring
