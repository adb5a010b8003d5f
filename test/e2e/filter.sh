#!/bin/bash
# serial
# timeout 120
# The kernel's filter, live: for conditions like those of rules, over paths of every shape, what
# comes with it is what a recording of everything has; and most of it does not come.
. "$(dirname "$0")/lib/tap.bash"
program filter
