#!/bin/bash
# serial
# timeout 200
# Rules and their alerts, live and offline: checking, explaining, testing; reload by every way a file
# is replaced; receivers that are down; folding, scopes, look-back; the agent's configuration.
. "$(dirname "$0")/lib/tap.bash"
program rules
