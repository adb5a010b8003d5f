#!/bin/bash
# serial
# timeout 180
# Where requests' time goes, live: a server with a route for each kind of wait, and one thread for several requests.
. "$(dirname "$0")/lib/tap.bash"
program explain
