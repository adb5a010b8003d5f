#!/bin/bash
# serial
# timeout 180
# Real containers (runc, a busybox root file system) in cgroups of the shapes that kubelet's two
# drivers, docker and podman make; a systemd unit's cgroup made by hand.
. "$(dirname "$0")/lib/tap.bash"
program containers
