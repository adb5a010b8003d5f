#!/bin/bash
# serial
# timeout 120
# What a program's file is (layer, memory, times, who may write it), sessions and process groups;
# containers that are judged by their image and privileges although they live for a moment.
. "$(dirname "$0")/lib/tap.bash"
program facts
