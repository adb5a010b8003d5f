#!/bin/bash
# portable
# timeout 180
# Profiles as the programs read them that they are made for: `go tool pprof`, a checker of Parca's
# rules, speedscope's JSON schema. What of these is absent is skipped.
. "$(dirname "$0")/lib/tap.bash"
program profile_forms
