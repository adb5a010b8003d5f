#!/bin/bash
# serial
# timeout 400
# Commands on a node whose agent runs: requests, requests top and map by way of it, of nginx and redis on loopback.
. "$(dirname "$0")/lib/tap.bash"
program attach
