#!/bin/sh
# A mixed workload for the capture: what a small busy node does, over and over for SECONDS.
# mixed.sh SECONDS DIRECTORY. Shell scripts, file changes, lookups that fail, loopback connections.
set -u
end=$(($(date +%s) + $1))
dir=$2/mixed.$$
mkdir -p "$dir"
trap 'rm -rf "$dir"' EXIT

while [ "$(date +%s)" -lt "$end" ]; do
	# Programs that start, load libraries, read configuration.
	id >/dev/null
	ls -l /etc /usr/lib >/dev/null 2>&1
	grep -c root /etc/passwd /etc/group /etc/no-such-file >/dev/null 2>&1
	find /usr/share/doc -maxdepth 2 -name 'c*' >/dev/null 2>&1
	# Files come and go.
	mkdir -p "$dir/a/b"
	echo text >"$dir/a/b/file"
	mv "$dir/a/b/file" "$dir/a/b/other"
	chmod 600 "$dir/a/b/other"
	ln "$dir/a/b/other" "$dir/a/b/link"
	cat "$dir/a/b/link" >/dev/null
	rm -r "$dir/a"
	# A client and a server that each open, connect, send and close.
	python3 - <<'PY'
import os, socket
server = socket.create_server(("127.0.0.1", 0))
for i in range(40):
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.sendall(b"request"); peer.sendall(peer.recv(64)); client.recv(64)
    client.close(); peer.close()
    u = socket.socket(socket.AF_UNIX); u.connect_ex("/run/no-such-socket"); u.close()
    for path in ("/etc/hosts", "/etc/resolv.conf", "/proc/self/status", "/usr/lib/os-release",
                 "/var/lib/no-such-file", "/sys/kernel/mm/transparent_hugepage/enabled"):
        try:
            with open(path) as f:
                f.read(256)
        except OSError:
            pass
PY
done
