#!/bin/bash
# portable
# Captures of other kernels, replayed: the answers must be, byte by byte, those that are stored.
# No root, no kernel features. UPDATE=1 stores the answers of today.
. "$(dirname "$0")/lib/tap.bash"
program replay
