#!/bin/bash
# serial
# timeout 120
# The map, live, of a real chain on loopback: client, nginx, a server in Python, redis; and of files of packets.
. "$(dirname "$0")/lib/tap.bash"
program map
