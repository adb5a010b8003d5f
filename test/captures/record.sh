#!/bin/sh
# Makes the captures of this folder, as the guest's script of test/vm/run (see README.md): what a
# small, known machine did. Standard output is TAP without numbers.
out=/tmp/out
kernel=$(uname -r | cut -d. -f1,2)
pod=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
first=4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978
second=9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddccbbaa998877665544

# record NAME WORKLOAD PORTHOLE_ARGUMENTS...: from a running start to a clean end
record() {
	name=$1 work=$2
	shift 2
	porthole record -w "$out/$name.cap" "$@" 2>"$out/$name.err" &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$out/$name.cap" ] && break
		usleep 100000
	done
	sleep 4
	$work >/dev/null 2>&1
	sleep 2
	kill -TERM $pid
	wait $pid
	code=$?
	sed 's/^/# /' "$out/$name.err"
	[ $code = 0 ] && [ "$(wc -c <"$out/$name.cap")" -lt 102400 ] && echo "ok - $name" ||
		echo "not ok - $name: status $code, $(wc -c <"$out/$name.cap") bytes"
}

life() {
	vm-exec now one "two words" "" "tab	and
newline"
	vm-exit exit 7
	sh -c 'kill -9 $$'
	sh -c 'vm-exec now grandchild; true'
	vm-exec now "$(printf 'x%.0s' $(seq 1500))"
	/no/such/program
	cd /etc && vm-exec now elsewhere
	cd /
	su -s /bin/sh nobody -c 'vm-exec now as-nobody'
}

files() {
	d=/tmp/work
	mkdir $d
	vm-open open /etc/vmtest-file 0
	vm-open open /etc/vmtest-missing 2
	(cd /etc && vm-open open ../etc/./vmtest-file 0)
	ln -s /etc/vmtest-file $d/symbolic
	cat $d/symbolic
	echo text >$d/a
	mv $d/a $d/b
	ln $d/b $d/hard
	chmod 600 $d/b
	chown 65534 $d/b
	rm $d/hard
	su -s /bin/sh nobody -c "cat $d/b"
	cat "$d/$(printf 'esc\033[31m\nline')" "$d/$(printf 'bad\377utf8')"
	mount -t tmpfs none $d
	umount $d
	rm -r $d
}

net() {
	vm-connect connect 9 111
	echo answer | nc -l -p 8080 &
	sleep 1
	echo question | nc 127.0.0.1 8080
	wait $!
	echo datagram | nc -u -w 1 127.0.0.1 5353
}

cgroups_of() {
	if [ "$cgroups" = hybrid ]; then
		for c in pids freezer; do
			echo "/sys/fs/cgroup/$c/kubepods/burstable/pod$pod/$1"
		done
	else
		echo "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$(echo $pod |
			tr - _).slice/cri-containerd-$1.scope"
	fi
}

# contained ID COMMAND...: a container's first process, the cgroup made just before
contained() {
	id=$1
	shift
	for dir in $(cgroups_of "$id"); do
		mkdir -p "$dir"
	done
	(
		self=$(sh -c 'echo $PPID')
		for dir in $(cgroups_of "$id"); do
			echo "$self" >"$dir/cgroup.procs"
		done
		exec "$@"
	)
}

pods() {
	contained $first vm-pod open /etc/vmtest-file 0
	contained $second sh -c 'vm-pod open /etc/vmtest-missing 2; vm-exec now in-second'
	contained $second sleep 60 &
	vm-open open /etc/vmtest-file 0
	sleep 1
}

record pods-$cgroups-$kernel pods --kind exec,open
killall sleep 2>/dev/null
if [ "$cgroups" = v2 ]; then
	record life-$kernel life --kind exec,exit,fork
	record files-$kernel files --kind open,create,delete,rename,link,chmod,mount,setid
	record net-$kernel net --kind connect,accept,bind,listen,close,tcp,udp
	record where-$kernel files --kind open --where 'fd.name startswith /etc/vmtest'
fi
