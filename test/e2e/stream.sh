#!/bin/bash
# serial
# timeout 120
# Bytes that go through sockets, live: each call's place, size and bytes, by what a program did.
. "$(dirname "$0")/lib/tap.bash"
program stream
