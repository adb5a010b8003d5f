#!/bin/bash
# serial
# timeout 180
# Detection in real containers (runc, a small Debian below an overlay, pods of a stand-in Kubernetes
# API): the attack script with Falco's stable and incubating rules and with our own, each alert with
# its process, container and pod; the benign script, which raises nothing; the same alerts without
# push-down.
. "$(dirname "$0")/lib/tap.bash"
program detect "$@"
