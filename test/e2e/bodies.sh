#!/bin/bash
# serial
# timeout 120
# Bodies of HTTP/1 that the kernel passes over: nothing that the parser could use is lost with them.
. "$(dirname "$0")/lib/tap.bash"
program bodies
