#!/bin/bash
# portable
# timeout 300
# Requests found in captures of each protocol (test/captures/l7), against tshark's decoding of the same
# packets: at least as many, the same methods, names and statuses. No root, no kernel features.
. "$(dirname "$0")/lib/tap.bash"
command -v tshark >/dev/null || skip_all "needs tshark (package tshark)"
command -v python3 >/dev/null || skip_all "needs python3"
[ -x "$PORTHOLE" ] || { echo "not ok 1 - $PORTHOLE is not built"; exit 1; }
exec python3 "$here/../l7/judge"
