/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The kinds of events, the one list that kernel and agent share. A kind's number is its bit in
 * every set of kinds (64 at most) and its name is what `--kind` takes. Numbers are stored in
 * captures: append, never reorder.
 *
 * X(ID, name, ring, help): ring is LIFE for what identity hangs on (lost last), BULK for the rest.
 */
#define PORTHOLE_KINDS(X)                                                                           \
	X(FORK, fork, LIFE, "a process was created")                                                \
	X(EXEC, exec, LIFE, "a process runs a new program, or failed to")                           \
	X(EXIT, exit, LIFE, "a process ended: status, CPU time, peak memory")                       \
	X(CGROUP, cgroup, LIFE, "a cgroup was created or removed, or a process moved into one")     \
	X(OPEN, open, BULK, "a file was opened or created by opening")                              \
	X(CREATE, create, BULK, "a directory, device node or symbolic link was created")            \
	X(DELETE, delete, BULK, "a file or directory was removed")                                  \
	X(RENAME, rename, BULK, "a file or directory was renamed")                                  \
	X(LINK, link, BULK, "a hard link was created")                                              \
	X(CHMOD, chmod, BULK, "mode or owner of a file changed")                                    \
	X(MOUNT, mount, BULK, "a file system was mounted, moved or unmounted")                      \
	X(CONNECT, connect, BULK, "a socket connects to a peer")                                    \
	X(ACCEPT, accept, BULK, "a socket accepted a connection")                                   \
	X(BIND, bind, BULK, "a socket was bound to an address")                                     \
	X(LISTEN, listen, BULK, "a socket listens")                                                 \
	X(CLOSE, close, BULK, "a socket was closed")                                                \
	X(TCP, tcp, BULK, "a TCP connection changed state; at its end bytes, RTT, retransmits")     \
	X(UDP, udp, BULK, "a socket exchanged datagrams with a new peer")                           \
	X(SIGNAL, signal, BULK, "a signal was sent")                                                \
	X(OOM, oom, BULK, "the kernel chose a process to kill for lack of memory")                  \
	X(MODULE, module, BULK, "a kernel module was loaded or removed")                            \
	X(PTRACE, ptrace, BULK, "a process looked into or controlled another")                      \
	X(SETID, setid, BULK, "a process changed its user or group ids or capabilities")            \
	X(NS, ns, BULK, "a process entered or left namespaces (setns, unshare), or changed root")   \
	X(BPF, bpf, BULK, "a bpf() call")                                                           \
	X(IO_URING, io_uring, BULK, "an io_uring was set up")                                       \
	X(DUP, dup, BULK, "a file descriptor was duplicated")                                       \
	X(SOCKET, socket, BULK, "a socket was made")                                                \
	X(SEND, send, BULK, "data was sent to a named peer (sendto, sendmsg)")                      \
	X(RECV, recv, BULK, "data was received (recvfrom, recvmsg)")                                \
	X(MEMORY, memory, BULK, "a descriptor over memory was made: memfd_create, userfaultfd")     \
	X(SAMPLE, sample, BULK, "the sampling clock of a CPU found a thread running: its stacks")   \
	X(OFFCPU, offcpu, BULK, "a thread lost time: blocked or waiting for a CPU, with its stack") \
	X(CALLS, calls, BULK, "totals of system calls, by process, call and result, once a second") \
	X(REQUEST, request, BULK, "a request between two programs and its answer, by protocol")

enum kind_id {
#define X(ID, name, ring, help) KIND_##ID,
	PORTHOLE_KINDS(X)
#undef X
	KIND_COUNT
};

#define KIND_BIT(id) (1ull << (id))
#define KINDS_ALL    ((1ull << KIND_COUNT) - 1)
/* Many and dear: only for who names them. `all`, and what names no kind, is the rest. */
#define KINDS_ON_REQUEST                                                        \
	(KIND_BIT(KIND_SAMPLE) | KIND_BIT(KIND_OFFCPU) | KIND_BIT(KIND_CALLS) | \
	 KIND_BIT(KIND_REQUEST))
#define KINDS_USUAL (KINDS_ALL & ~KINDS_ON_REQUEST)
#define KINDS_LIFE \
	(KIND_BIT(KIND_FORK) | KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_CGROUP))
