#!/bin/bash
# serial
# `porthole record` on this kernel: a replay says what was seen live; conditions, ends, errors.
. "$(dirname "$0")/lib/tap.bash"
program record
