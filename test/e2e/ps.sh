#!/bin/bash
# serial
# `porthole ps`: known processes in the tree, container and pod, selection, forms, replay.
. "$(dirname "$0")/lib/tap.bash"
program ps
