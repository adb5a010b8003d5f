#!/bin/bash
# serial
# timeout 120
# The system calls that rules name, live: descriptors, sockets, messages, opens; their arguments as
# sysdig renders them, what is only recorded on request, and that push-down changes no answer.
. "$(dirname "$0")/lib/tap.bash"
program calls
