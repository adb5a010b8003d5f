#!/bin/bash
# serial
# timeout 120
# `porthole run` as others meet it: its lock, control socket, metrics, capabilities, and its ends.
. "$(dirname "$0")/lib/tap.bash"
program agent
