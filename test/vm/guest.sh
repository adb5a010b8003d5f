#!/bin/sh
# The checks inside a VM. Standard output is TAP without numbers (`ok - NAME`, `not ok - NAME`,
# `# comment`); what porthole printed stays in /tmp/out, which the host keeps as files/.
#
# The first field of each row of `want_events` is the name of a check, the rest are conditions that
# one line of the event stream must meet together: KEY=TEXT equal, ~ contains, ^ starts, $ ends.
# An emulated CPU is about ten times slower than a real one: waits are long, but all have an end.
out=/tmp/out
term_ms=2000            # a clean exit may take so long: one second (test/e2e/agent.sh), twice that emulated
ready_s=40              # loading may
base=$(vm_tool bpf-count)

say() {
	echo "# $*"
}

say_file() { # say_file FILE [LINES]
	head -n "${2:-12}" "$1" | cut -c1-200 | sed 's/^/# | /'
}

check() { # check NAME COMMAND...: the command's status is the result
	local name=$1

	shift
	if "$@"; then echo "ok - $name"; else echo "not ok - $name"; fi
}

now() {
	vm_tool now
}

# ended PID: it is gone or only waits to be reaped
ended() {
	! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# stop_clean PID: SIGTERM; true when it exits with 0 in time. Sets $took.
stop_clean() {
	t0=$(now)
	kill -TERM "$1"
	for _ in $(seq 200); do
		ended "$1" && break
		usleep 20000
	done
	took=$(($(now) - t0))
	ended "$1" || kill -KILL "$1"
	wait "$1"
	status=$?
	say "SIGTERM: gone after $took ms, status $status"
	[ "$status" = 0 ] && [ "$took" -le "$term_ms" ]
}

# bpf_as_before FILE: BPF programs, maps and links are what they were before porthole ran and wrote
# FILE; they are freed late, by a worker.
bpf_as_before() {
	[ -s "$1" ] || return
	for _ in $(seq 50); do
		[ "$(vm_tool bpf-count)" = "$base" ] && return
		usleep 100000
	done
	say "programs maps links: $(vm_tool bpf-count), before: $base"
	return 1
}

bpf_programs_more() {
	[ "$(vm_tool bpf-count | cut -d' ' -f1)" -gt "${base%% *}" ]
}

# quiet_work: one process that starts, opens and ends, every 0.1 s, until killed
quiet_work() {
	while :; do
		vm-exec now busy >/dev/null
		vm-open open /etc/vmtest-file 0
		usleep 100000
	done
}

# with_work COMMAND...: runs it while quiet_work runs
with_work() {
	quiet_work &
	work=$!
	"$@"
	code=$?
	kill $work
	wait $work
	return $code
}

# ------------------------------------------------------------------ doctor

doctor() {
	timeout 60 porthole doctor >$out/doctor.txt 2>$out/doctor.err
	code=$?
	[ $code = 0 ] || say_file $out/doctor.err
	say_file $out/doctor.txt 60
	[ $code = 0 ] && [ "$(wc -l <$out/doctor.txt)" -ge 10 ]
}

doctor_json() {
	timeout 60 porthole doctor -o json >$out/doctor.json 2>$out/doctor.err &&
		vm_tool json-lines $out/doctor.json
}

# ------------------------------------------------------------------ events

pod_uid=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
container=4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978
want_events="
exec: name, command line, executable, parent|evt.type=execve|proc.name=vm-exec|proc.cmdline\$vm-exec now one two words|proc.exepath=/bin/vm_tool|proc.pname=sh
exit|evt.type=procexit|proc.name=vm-exit
open: path and result|evt.type=openat|proc.name=vm-open|fd.name=/etc/vmtest-file|evt.res=SUCCESS
open: a missing file|evt.type=openat|proc.name=vm-open|fd.name=/etc/vmtest-missing|evt.res=ENOENT
open: a relative path becomes absolute|evt.type=openat|fd.name=/etc/vmtest-file|evt.arg.dirfd=AT_FDCWD
connect: refused, whom it tried|evt.type=connect|proc.name=vm-connect|fd.name\$->127.0.0.1:9|evt.res=ECONNREFUSED
connect: accepted, both ends|evt.type=connect|proc.name=vm-connect|fd.name^127.0.0.1:|fd.name\$->127.0.0.1:8080|evt.res=SUCCESS
socket: its domain|evt.type=socket|proc.name=vm-calls|evt.arg.domain=AF_INET
sendto: to whom|evt.type=sendto|proc.name=vm-calls|fd.name\$->127.0.0.1:9|evt.rawres=5
dup2: a socket|evt.type=dup2|proc.name=vm-calls|fd.num=40|fd.type=ipv4
memfd_create: its name|evt.type=memfd_create|proc.name=vm-calls|evt.arg.name=memo|fd.type=memfd
openat2: its flags, and that the file is new|evt.type=openat2|proc.name=vm-calls|evt.arg.flags\$O_F_CREATED|evt.arg.mode=0700
pod and container of a process, from its cgroup|evt.type=openat|proc.name=vm-pod|container.id^$(echo $container | cut -c1-12)|k8s.pod.uid=$pod_uid
a process that existed before porthole has its name|evt.type=openat|proc.name=vm-old|fd.name=/etc/vmtest-old"

# A kubepods-shaped cgroup as this guest's layout has it: by the systemd driver on v2, by the
# cgroupfs driver in the v1 hierarchies alone on hybrid.
pod_cgroups() {
	pod_=$(echo $pod_uid | tr - _)
	if [ "$cgroups" = hybrid ]; then
		for c in pids freezer; do
			echo "/sys/fs/cgroup/$c/kubepods/burstable/pod$pod_uid/$container"
		done
	else
		slice=kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$pod_.slice
		echo "/sys/fs/cgroup/$slice/cri-containerd-$container.scope"
	fi
}

workload() {
	vm-exec now one "two words" >/dev/null
	vm-exit exit 7
	vm-open open /etc/vmtest-file 0
	vm-open open /etc/vmtest-missing 2
	(cd /etc && vm-open open vmtest-file 0)
	vm-calls calls 9
	vm-connect connect 9 111
	vm-connect connect 8080 0
	for dir in $(pod_cgroups); do
		mkdir -p "$dir"
	done
	sh -c 'for dir in "$@"; do echo $$ >"$dir/cgroup.procs"; done
		exec vm-pod open /etc/vmtest-file 0' sh $(pod_cgroups)
}

# first_event FILE PID: opens a file that is not there until FILE tells of it or PID ended.
first_event() {
	for _ in $(seq $((ready_s * 10))); do
		vm_tool open /etc/vmtest-canary 2
		grep -q vmtest-canary "$1" && return
		ended "$2" && break
		usleep 100000
	done
	say "no event was written within $ready_s s"
	return 1
}

events_run() {
	t0=$(now)
	porthole events --kind exec,open,connect,exit,dup,socket,send,memory -o json >$out/events.json 2>$out/events.err &
	pid=$!
	first_event $out/events.json $pid
	seen=$?
	say "first event after $(($(now) - t0)) ms"
	sleep 1
	workload
	sleep 2
	echo >/tmp/vm-old-go
	sleep 2
	check "events: ends cleanly within $term_ms ms of SIGTERM" stop_clean $pid
	say_file $out/events.err
	[ $seen = 0 ] && vm_tool json-lines $out/events.json evt.time evt.type proc.name
}

event_kinds() {
	grep -o '"evt.type":"[^"]*"' "$1" | sort | uniq -c | sort -rn |
		awk '{ gsub(/"evt.type":|"/, "", $2); printf "%s %d, ", $2, $1 }'
}

events() {
	old_start
	check "events: every line is an object with time, type and process" events_run
	say "events: $(event_kinds $out/events.json)"
	say "$(vm_tool json-backward $out/events.json evt.time) events are earlier than the one before"
	echo "$want_events" | while IFS= read -r row; do
		[ -n "$row" ] || continue
		IFS='|'
		set -- $row
		IFS=' '
		name="events: $1"
		shift
		check "$name" some $out/events.json "$@"
	done
	check "events: nothing is invented (no open of a file nobody opened)" \
		none $out/events.json fd.name=/etc/vmtest-never
}

some() {
	vm_tool json-count "$@" >/dev/null && return
	shift
	say "no event has: $*"
	return 1
}

none() {
	[ -s "$1" ] && ! vm_tool json-count "$@" >/dev/null
}

# A shell named vm-old that waits for a file and then opens another, started before porthole.
old_start() {
	rm -f /tmp/vm-old-go
	vm-old open-after /tmp/vm-old-go /etc/vmtest-old 60 &
}

# ------------------------------------------------------------------ every kind

all_kinds_run() {
	t0=$(now)
	timeout 90 porthole events --kind all --for 1s -o json >$out/all.json 2>$out/all.err
	code=$?
	say "--kind all --for 1s: $(($(now) - t0)) ms, status $code: $(event_kinds $out/all.json)"
	return $code
}

all_available() {
	[ -s $out/all.json ] && ! grep -i unavailable $out/all.err | sed 's/^/# /' | grep .
}

all_kinds() {
	check "events: --kind all --for 1s exits with 0" with_work all_kinds_run
	say_file $out/all.err 20
	check "events: --kind all: no probe is unavailable" all_available
	check "events: --kind all: every line is an object" vm_tool json-lines $out/all.json evt.type
}

# ------------------------------------------------------------------ samples

# A program without frame pointers that burns a CPU 600 calls deep; its table is made meanwhile.
samples_run() {
	profile_tool deep 100 >/dev/null &
	burner=$!
	timeout 120 porthole events --kind sample --for 6s -f proc.name,sample.mode,sample.depth,sample.end \
		-o json >$out/samples.json 2>$out/samples.err
	code=$?
	kill $burner
	say "$(wc -l <$out/samples.json) samples, ends: $(grep -o '"sample.end":"[^"]*"' $out/samples.json |
		sort | uniq -c | sort -rn | tr -s ' \n' ' ')"
	return $code
}

samples() {
	check "samples: --for 6s exits with 0" samples_run
	say_file $out/samples.err 5
	check "samples: the sampling clock's program is accepted and rings" \
		some $out/samples.json sample.mode=user
	check "samples: the kernel's own work is seen" some $out/samples.json sample.mode=kernel
	check "samples: stacks are walked to their outermost frame" \
		some $out/samples.json proc.name=profile_tool sample.end=whole sample.depth=605
}

# ------------------------------------------------------------------ io_uring

# What is done, and the conditions one event must meet, like want_events.
want_uring="
openat|open /etc/vmtest-file 0|evt.type=openat|fd.name=/etc/vmtest-file|evt.res=SUCCESS
openat of a missing file|open /etc/vmtest-missing -2|evt.type=openat|fd.name=/etc/vmtest-missing|evt.res=ENOENT
openat by the kernel's thread|-q open /etc/passwd 0|evt.type=openat|fd.name=/etc/passwd|evt.res=SUCCESS
openat without a completion|-s open /etc/group 0|evt.type=openat|fd.name=/etc/group|evt.io_uring.assumed=true
openat whose completion finds no room|-o open /etc/vmtest-over -2|evt.type=openat|fd.name=/etc/vmtest-over|evt.res=ENOENT
openat2 from a directory|openat2 /tmp/uring file 0|evt.type=openat2|fd.name=/tmp/uring/file|evt.res=SUCCESS
mkdirat|mkdir dir 0|evt.type=mkdirat|evt.arg.path=/tmp/uring/dir|evt.arg.mode=0750|evt.res=SUCCESS
renameat2|rename file new 0|evt.type=renameat2|evt.arg.oldpath=/tmp/uring/file|evt.arg.newpath=/tmp/uring/new|evt.res=SUCCESS
symlinkat|symlink some/where soft 0|evt.type=symlinkat|evt.arg.target=some/where|evt.arg.linkpath=/tmp/uring/soft|evt.res=SUCCESS
linkat|link new hard 0|evt.type=linkat|evt.arg.oldpath=/tmp/uring/new|evt.arg.newpath=/tmp/uring/hard|evt.res=SUCCESS
unlinkat of a file|unlink old 0|evt.type=unlinkat|fd.name=/tmp/uring/old|evt.res=SUCCESS
unlinkat of a directory|rmdir old-dir 0|evt.type=unlinkat|evt.arg.flags=AT_REMOVEDIR|fd.name=/tmp/uring/old-dir|evt.res=SUCCESS
connect|connect 9 -111|evt.type=connect|fd.name\$->127.0.0.1:9|evt.res=ECONNREFUSED
socket|socket 0|evt.type=socket|evt.res=SUCCESS
accept|accept 1|evt.type=accept4|fd.name~127.0.0.1|evt.res=SUCCESS
accept that goes on|accept-more 2|evt.type=accept4|fd.name~127.0.0.1|evt.res=SUCCESS"

# Leaves the status of each in uring.done: 3 says that this kernel cannot do it.
uring_work() {
	mkdir -p /tmp/uring/old-dir
	cd /tmp/uring || return
	echo >file
	echo >old
	echo "$want_uring" | while IFS='|' read -r name words conditions; do
		[ -n "$name" ] || continue
		uring_tool $words 2>>$out/uring.err
		code=$?
		[ $code = 0 ] || say "uring_tool $words: status $code"
		echo "$code $name" >>$out/uring.done
	done
	cd /
}

uring_found() { # uring_found NAME CONDITION...
	if grep -q "^3 $1\$" $out/uring.done; then
		echo "ok - io_uring: $1 # SKIP this kernel cannot"
		return
	fi
	name="io_uring: $1"
	shift
	check "$name" some $out/uring.json proc.name=uring_tool evt.io_uring=true "$@"
}

uring() {
	args=path,mode,flags,target,linkpath,oldpath,newpath
	porthole events --whole --kind open,create,delete,rename,link,connect,accept,socket -o json \
		--where 'evt.io_uring=true or fd.name startswith /etc/vmtest' \
		-f "evt.type,evt.res,fd.name,evt.arg.$(echo $args | sed 's/,/,evt.arg./g')$(
		),evt.io_uring,evt.io_uring.assumed,proc.name" >$out/uring.json 2>$out/uring.err &
	pid=$!
	first_event $out/uring.json $pid
	uring_work
	sleep 2
	check "io_uring: events end cleanly" stop_clean $pid
	say_file $out/uring.err
	echo "$want_uring" | while IFS= read -r row; do
		[ -n "$row" ] || continue
		IFS='|'
		set -- $row
		IFS=' '
		name=$1
		shift 2
		uring_found "$name" "$@"
	done
}

# ------------------------------------------------------------------ the kernel's filter

# Paths of every shape that are one file, and some that are another.
# ------------------------------------------------------------------ where threads' time goes

# Programs that spend their time in one state each; a quota where version 2 has the controller.
sched_work() {
	for mode in futex sleep pipe socket epoll contend; do
		sched_tool $mode 1 >/dev/null
	done
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || return
	mkdir /sys/fs/cgroup/quota
	echo 20000 100000 >/sys/fs/cgroup/quota/cpu.max
	sh -c 'echo $$ >/sys/fs/cgroup/quota/cgroup.procs; exec sched_tool spin 2' >/dev/null
	rmdir /sys/fs/cgroup/quota
}

sched_found() { # sched_found STATE
	some $out/sched.json evt.type=offcpu proc.name=sched_tool sched.state=$1
}

# A stack may find no room, which the record says; that is the exception.
sched_stacks() {
	n=$(vm_tool json-count $out/sched.json evt.type=offcpu)
	without=$(vm_tool json-count $out/sched.json evt.type=offcpu sched.frames=0)
	say "$without of $n samples without a stack"
	[ "$n" -gt 0 ] && [ $((without * 10)) -le "$n" ]
}

sched() {
	porthole events --kind offcpu --where proc.name=sched_tool -o json >$out/sched.json 2>$out/sched.err &
	pid=$!
	for _ in $(seq 60); do
		sched_tool sleep 0.2 >/dev/null
		[ -s $out/sched.json ] && break
	done
	sched_work
	check "sched: events end cleanly" stop_clean $pid
	say_file $out/sched.err
	for state in lock sleep wait network poll runnable; do
		check "sched: a thread loses time as $state" sched_found $state
	done
	if grep -q cpu /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		check "sched: a thread loses time as throttled" sched_found throttled
	fi
	check "sched: samples have stacks" sched_stacks
	check "sched: stacks of threads that wait are whole" \
		some $out/sched.json evt.type=offcpu proc.name=sched_tool sched.state=sleep sched.end=whole
	check "sched: a thread's times come at its end" \
		some $out/sched.json evt.type=thread_times proc.name=sched_tool sched.ended=true
}

filter_work() {
	mkdir -p /tmp/a/b
	for dir_path in /etc:vmtest-file /tmp:../etc/./vmtest-file /tmp/a/b:../../..//etc/vmtest-file \
		/:/tmp/../etc/vmtest-file; do
		(cd ${dir_path%:*} && vm-open open ${dir_path#*:} 0)
	done
	(cd /tmp && vm-open open etc/vmtest-file 2)
	vm-open open /etc/../vmtest-file 2
}

filter_found() {
	porthole events --kind open -f proc.name,fd.name -o json --where 'fd.directory=/etc and
		fd.filename in (vmtest-file,vmtest-canary) and not fd.name in (/etc/passwd)' \
		>$out/filter.json 2>$out/filter.err &
	pid=$!
	first_event $out/filter.json $pid
	filter_work
	sleep 1
	check "filter: events end cleanly" stop_clean $pid
	say_file $out/filter.err
	n=$(vm_tool json-count $out/filter.json proc.name=vm-open)
	[ "$n" = 4 ] || say "$n events"
	[ "$n" = 4 ]
}

# filter_dropped DIRECTORY PATH: 1,000 opens of a path that no rule looks for
filter_dropped() {
	printf '%s\n' '- rule: one' '  desc: d' '  priority: INFO' '  output: found %fd.name' \
		'  condition: evt.kind=open and fd.filename=vmtest-canary' >/tmp/filter.yaml
	porthole detect -r /tmp/filter.yaml >$out/dropped.txt 2>$out/dropped.err &
	pid=$!
	first_event $out/dropped.txt $pid
	(cd "$1" && cat $(yes "$2" | head -n 1000) >/dev/null)
	sleep 1
	stop_clean $pid || return
	say_file $out/dropped.err
	n=$(sed -n 's/.*: \([0-9]*\) events judged.*/\1/p' $out/dropped.err)
	[ -n "$n" ] && [ "$n" -lt 700 ]
}

filter() {
	check "filter: paths of every shape are found" filter_found
	check "filter: an absolute path is dropped in the kernel" filter_dropped / /tmp/../etc/passwd
	check "filter: a relative path is dropped in the kernel" filter_dropped /tmp/a/b ../../../etc/passwd
}

# ------------------------------------------------------------------ ps, record, replay

ps_pid1() {
	timeout 60 porthole ps >$out/ps.txt 2>$out/ps.err || { say_file $out/ps.err; return 1; }
	say_file $out/ps.txt 6
	grep -qE '^ *[^ ]* *1 ' $out/ps.txt
}

ps_json() {
	timeout 60 porthole ps -o json >$out/ps.json 2>$out/ps.err &&
		vm_tool json-lines $out/ps.json proc.pid proc.name &&
		vm_tool json-count $out/ps.json proc.pid=1 proc.name=init >/dev/null
}

record_run() {
	timeout 90 porthole record -w $out/capture --for 2s >$out/record.txt 2>$out/record.err ||
		{ say_file $out/record.err; return 1; }
	[ -s $out/capture ] && say "a capture is written, $(wc -c <$out/capture) bytes"
}

replay() {
	timeout 60 porthole events --replay $out/capture -o json >$out/replay.json \
		2>$out/replay.err || { say_file $out/replay.err; return 1; }
	say "replay: $(event_kinds $out/replay.json)"
	vm_tool json-lines $out/replay.json evt.time evt.type proc.name &&
		vm_tool json-count $out/replay.json evt.type=execve proc.name=vm-exec >/dev/null &&
		vm_tool json-count $out/replay.json evt.type=openat fd.name=/etc/vmtest-file >/dev/null
}

replay_unprivileged() {
	chmod 755 /tmp /tmp/out && chmod 644 $out/capture
	su -s /bin/sh nobody -c "porthole events --replay $out/capture -o json" \
		>$out/replay-nobody.json 2>$out/replay-nobody.err ||
		{ say_file $out/replay-nobody.err; return 1; }
	cmp $out/replay.json $out/replay-nobody.json
}

# ------------------------------------------------------------------ streams

# settled PID: it has loaded what it loads: its CPU time has stood still for two seconds
settled() {
	still=0
	last=
	for _ in $(seq $((ready_s * 2))); do
		usleep 500000
		spent=$(awk '{ print $14 + $15 }' /proc/$1/stat)
		bpf_programs_more && [ "$spent" = "$last" ] && still=$((still + 1)) || still=0
		last=$spent
		[ $still -ge 4 ] && return
	done
}

# The capture is judged on the host (lib/stream.py); it says nothing when a probe is unavailable or bytes are lost.
streams() {
	rm -f /tmp/stream-go
	stream_tool /tmp/stream-go >$out/stream.txt 2>$out/stream_tool.err &
	tool=$!
	porthole record --kind request -w $out/stream.capture >$out/stream.out 2>$out/stream.err &
	pid=$!
	settled $pid
	echo >/tmp/stream-go
	wait $tool
	code=$?
	say_file $out/stream_tool.err
	sleep 1
	check "streams: the recording ends cleanly" stop_clean $pid
	say_file $out/stream.err
	[ $code = 0 ] && [ "$(wc -l <$out/stream.err)" = 1 ]
}

# ------------------------------------------------------------------ the agent

agent_start() { # agent_start NAME: sets $agent; true when its metrics can be read
	rm -f $out/metrics
	t0=$(now)
	porthole run >"$out/$1.txt" 2>"$out/$1.err" &
	agent=$!
	for _ in $(seq $((ready_s * 5))); do
		if wget -q -O $out/metrics http://127.0.0.1:9876/metrics 2>/dev/null; then
			say "the agent answers after $(($(now) - t0)) ms," \
				"$(awk '/VmRSS/ { print $2, $3 }' /proc/$agent/status) resident"
			return
		fi
		rm -f $out/metrics
		ended $agent && break
		usleep 200000
	done
	say_file "$out/$1.err"
	return 1
}

overhead() {
	timeout 60 porthole overhead --for 1s >$out/overhead.txt 2>$out/overhead.err
	code=$?
	say_file $out/overhead.txt 40
	[ $code = 0 ] || say_file $out/overhead.err
	[ $code = 0 ] && grep -q '[0-9]' $out/overhead.txt
}

metrics() {
	say "$(grep -c '^porthole_' $out/metrics) samples in /metrics"
	grep -q '^# TYPE porthole_' $out/metrics && grep -q '^porthole_[a-z_]*[{ ]' $out/metrics
}

second_refused() {
	timeout 20 porthole run >$out/second.txt 2>$out/second.err
	code=$?
	say_file $out/second.err 3
	[ $code = 1 ] && [ -s $out/second.err ] && ! ended $agent
}

attach() {
	timeout 60 porthole events --kind open --where 'fd.name=/etc/vmtest-file' -n 1 --for 20s \
		-o json >$out/attach.json 2>$out/attach.err || { say_file $out/attach.err; return 1; }
	vm_tool json-lines $out/attach.json && [ "$(wc -l <$out/attach.json)" = 1 ] &&
		vm_tool json-count $out/attach.json fd.name=/etc/vmtest-file proc.name=vm-open >/dev/null
}

agent() {
	check "run: starts and serves metrics" agent_start run
	say_file $out/run.err 20
	check "run: metrics have a type and samples" metrics
	check "run: BPF programs are loaded" bpf_programs_more
	check "overhead: --for 1s beside the agent" with_work overhead
	check "events: attached to the agent, one filtered event" with_work attach
	check "run: a second agent is refused with status 1" second_refused
	check "run: ends cleanly within $term_ms ms of SIGTERM" stop_clean $agent
	say_file $out/run.txt 12
	check "run: after SIGTERM no BPF object is left" bpf_as_before $out/metrics
}

killed() {
	bpf_programs_more || return
	kill -KILL $agent
	wait $agent
	bpf_as_before $out/metrics
}

agent_killed() {
	check "run: starts again" agent_start again
	check "run: BPF programs are loaded again" bpf_programs_more
	check "run: after SIGKILL no BPF object is left" killed
	check "run: after SIGKILL nothing is pinned" nothing_pinned
}

nothing_pinned() {
	grep -E '^[^ ]+ [^ ]+ (bpf|tracefs|debugfs) ' /proc/mounts | sed 's/^/# left mounted: /'
	[ -s $out/metrics ] || return
	! awk '$3 == "bpf" { print $2 }' /proc/mounts | xargs -r -I{} find {} -mindepth 1 |
		sed 's/^/# pinned: /' | grep .
}

vm_tool listen 8080 170
say "BPF programs, maps, links before: $base"
check "doctor: exits with 0 and prints a table" doctor
check "doctor: -o json is valid" doctor_json
check "doctor: leaves no BPF object" bpf_as_before $out/doctor.txt
events
check "events: leaves no BPF object" bpf_as_before $out/events.json
all_kinds
samples
uring
filter
sched
check "ps: lists process 1" ps_pid1
check "ps: -o json is valid and has process 1" ps_json
check "record: writes a capture" with_work record_run
check "replay: gives the workload's events" replay
check "replay: the same without root" replay_unprivileged
check "streams: bytes of sockets are captured, whole" streams
agent
agent_killed
exit 0
