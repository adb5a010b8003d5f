#!/bin/sh
# serial
# timeout 90
# Names from a Kubernetes API: porthole against the stand-in server (test/kube/apiserver.py, which
# replays recordings of a real one), processes in kubepods-shaped cgroups, traffic to a pod's address
# inside a network namespace of this test.
set -u
PORTHOLE=${PORTHOLE:-build/porthole}
here=$(dirname "$0")
dir=$(mktemp -d)
cg=/sys/fs/cgroup/pids
[ -d "$cg" ] || cg=/sys/fs/cgroup
netns=porthole-kube-$$
uid=11a66441-eb7e-4576-be19-cf6b5bbe7417
id=69e849912affb8a3ca4897ae94bb9f0c692fa86f0ef94fc666158165ff43f5bf
pod=$cg/kubepods/besteffort/pod$uid
n=0
server=
porthole=

cleanup() {
	[ -n "$porthole" ] && kill "$porthole" 2>/dev/null
	[ -n "$server" ] && kill "$server" 2>/dev/null
	ip netns del "$netns" 2>/dev/null
	rmdir "$pod/$id" "$pod" "$cg/kubepods/besteffort" "$cg/kubepods" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

check() { # check NAME COMMAND...
	n=$((n + 1))
	what=$1
	shift
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}

has() { # has FILE KEY=TEXT...: some line has them all
	python3 - "$@" <<-'PY'
	import json, sys
	want = [w.split("=", 1) for w in sys.argv[2:]]
	for line in open(sys.argv[1], errors="strict"):
	    e = json.loads(line)
	    if all(str(e.get(k)) == v for k, v in want):
	        sys.exit(0)
	sys.exit(1)
	PY
}

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$(id -u)" = 0 ] || skip "needs root"
command -v openssl >/dev/null || skip "needs openssl"
"$PORTHOLE" doctor >/dev/null 2>&1 || skip "this machine refuses BPF"
mkdir -p "$pod/$id" 2>/dev/null || skip "cannot make a cgroup"

mkfifo "$dir/commands"
"$here/../kube/apiserver.py" --dir "$dir" <"$dir/commands" >"$dir/server.log" 2>&1 &
server=$!
exec 3>"$dir/commands"
for _ in $(seq 100); do grep -q READY "$dir/server.log" && break; sleep 0.1; done

# The recorded pod, with annotations, and privileged as its spec has it; programs are seen only where
# the annotation is.
fields=evt.type,proc.cmdline,k8s.ns.name,k8s.pod.name,k8s.pod.uid,container.name,container.id
fields=$fields,fd.rip,fd.peer.kind,fd.peer.ns,fd.peer.name,k8s.pod.annotations,container.privileged
python3 - "$here/../../src/kube/testdata/pods.list.json" $uid >&3 <<-'PY'
	import json, sys
	o = next(o for o in json.load(open(sys.argv[1]))["items"] if o["metadata"]["uid"] == sys.argv[2])
	o["metadata"]["annotations"] = {"example.com/list": "a=1,b=2", "x": "y"}
	for c in o["spec"]["containers"]:
	    c["securityContext"] = {"privileged": True}
	print("event pods MODIFIED", json.dumps(o))
PY
KUBECONFIG=$dir/kubeconfig NODE_NAME=node-b "$PORTHOLE" events --kind exec,connect -o json \
	--fields "$fields" --where 'evt.type = connect or k8s.pod.annotation[example.com/list] = "a=1,b=2"' \
	--for 20s >"$dir/events" 2>"$dir/err" &
porthole=$!
for _ in $(seq 100); do
	[ "$(grep -c 'up to date' "$dir/err")" -ge 6 ] && break
	sleep 0.1
done
ip netns add "$netns"
ip -n "$netns" link set lo up
ip -n "$netns" addr add 10.244.1.13/32 dev lo
sh -c "echo \$\$ >$pod/$id/cgroup.procs; exec ip netns exec $netns \
	python3 -c 'import socket; socket.socket().connect_ex((\"10.244.1.13\", 9))'"
sh -c "echo \$\$ >$pod/$id/cgroup.procs; exec /bin/true kube-marker"
for _ in $(seq 50); do grep -q kube-marker "$dir/events" && break; sleep 0.1; done

check "all resources are up to date" [ "$(grep -c 'up to date' "$dir/err")" -ge 6 ]
check "a process of a pod has the pod's name and namespace" has "$dir/events" evt.type=execve \
	"proc.cmdline=true kube-marker" k8s.ns.name=shop k8s.pod.name=web-7fdc59d75b-dmvp4 \
	k8s.pod.uid=$uid container.name=web container.id=69e849912aff
check "its annotations are there, and privileged from its spec" has "$dir/events" evt.type=execve \
	"proc.cmdline=true kube-marker" \
	k8s.pod.annotations=example.com/list=a=1,b=2,x=y container.privileged=True
check "a peer's address is the other pod's name" has "$dir/events" evt.type=connect \
	fd.rip=10.244.1.13 fd.peer.kind=pod fd.peer.ns=shop fd.peer.name=web-7fdc59d75b-npb56
kill -TERM "$porthole"
wait "$porthole"
check "it ends cleanly" [ $? = 0 ]
porthole=

# The API is away: everything goes on, named by what the cgroup says.
kill "$server"
wait "$server" 2>/dev/null
server=
KUBECONFIG=$dir/kubeconfig NODE_NAME=node-b "$PORTHOLE" events --kind exec -o json --for 3s \
	>"$dir/events2" 2>"$dir/err2" &
porthole=$!
sleep 1.5
sh -c "echo \$\$ >$pod/$id/cgroup.procs; exec /bin/true kube-away"
wait "$porthole"
check "without the API it runs and says so" grep -q kubernetes "$dir/err2"
porthole=
check "without the API the pod's UID and the container's id are there" has "$dir/events2" \
	"proc.cmdline=true kube-away" k8s.pod.uid=$uid container.id=69e849912aff

# --pod pushes the pod's cgroups into the kernel; a container that comes later is in.
mkfifo "$dir/commands2"
"$here/../kube/apiserver.py" --dir "$dir" <"$dir/commands2" >"$dir/server.log" 2>&1 &
server=$!
exec 4>"$dir/commands2"
for _ in $(seq 100); do grep -q READY "$dir/server.log" && break; sleep 0.1; done
KUBECONFIG=$dir/kubeconfig NODE_NAME=node-b "$PORTHOLE" events --kind exec,open \
	--pod shop/web-7fdc59d75b-dmvp4 -o json --for 20s >"$dir/events3" 2>"$dir/err3" &
porthole=$!
for _ in $(seq 100); do
	[ "$(grep -c 'up to date' "$dir/err3")" -ge 6 ] && break
	sleep 0.1
done
rmdir "$pod/$id"
mkdir "$pod/$id"
sh -c "echo \$\$ >$pod/$id/cgroup.procs; exec cat /etc/hostname" >/dev/null
cat /etc/hostname >/dev/null
sleep 0.5
kill -TERM "$porthole"
wait "$porthole"
porthole=
check "--pod: an open of a container made later is seen" has "$dir/events3" evt.type=openat \
	fd.name=/etc/hostname proc.name=cat k8s.pod.name=web-7fdc59d75b-dmvp4
check "--pod: nothing of others is seen" \
	[ "$(grep -c . "$dir/events3")" = "$(grep -c '"k8s.pod.name":"web-7fdc59d75b-dmvp4"' "$dir/events3")" ]
echo "1..$n"
