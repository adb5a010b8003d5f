#!/bin/bash
# serial
# timeout 180
# `porthole events` on this kernel: what it says of a workload of which everything is known.
. "$(dirname "$0")/lib/tap.bash"
program events
