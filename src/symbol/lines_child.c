/* What the child may do is written first; then comes what it does. */
#include "symbol/lines_child.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "symbol/lines.h"
#include "symbol/lines_walk.h"

#define MEMORY_KEPT (48u << 20) /* above it all files are closed after an answer */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const uint32_t ALLOWED[] = {
	SYS_read,	SYS_pread64, SYS_mmap,	       SYS_munmap,  SYS_mremap,
	SYS_mprotect,	SYS_madvise, SYS_brk,	       SYS_recvmsg, SYS_sendmsg,
	SYS_close,	SYS_fstat,   SYS_lseek,	       SYS_futex,   SYS_getrandom,
	SYS_exit_group, SYS_exit,    SYS_rt_sigreturn, SYS_fcntl,   SYS_clock_gettime,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
};
#define NALLOWED (sizeof(ALLOWED) / sizeof(ALLOWED[0]))

/* Allowed calls work, all others fail with EPERM. A false architecture has other numbers: killed. */
static int calls_limit(void)
{
	struct sock_filter f[NALLOWED + 6];
	struct sock_fprog prog = { .filter = f };
	size_t n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch));
#if defined(__x86_64__)
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0);
#else
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc00000b7, 1, 0);
#endif
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NALLOWED; i++)
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ALLOWED[i],
						      (uint8_t)(NALLOWED - i), 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static void caps_drop(void)
{
	cap_t none = cap_init();

	if (none)
		cap_set_proc(none);
	cap_free(none);
}

/* Files other than the socket, signal handlers and memory of the parent are none of its business. */
static void confine(int *sock)
{
	const struct rlimit data = { LINES_MEMORY, LINES_MEMORY }, none = { 0, 0 };
	const struct timeval idle = { .tv_sec = LINES_IDLE_S };
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "porthole-lines");
	for (int sig = 1; sig < _NSIG; sig++)
		signal(sig, sig == SIGINT || sig == SIGPIPE ? SIG_IGN : SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* 0 to 2 may be the agent's output. */
	if (dup2(*sock, 0) < 0 || syscall(SYS_close_range, 1, ~0u, 0) < 0)
		_exit(2);
	*sock = 0;
	setsockopt(*sock, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setrlimit(RLIMIT_CORE, &none);
	caps_drop();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (SANITIZED)
		return;
	if (setrlimit(RLIMIT_DATA, &data) < 0 || calls_limit() < 0)
		_exit(2);
}

struct open_file {
	uint64_t id, used;
	int fd;
	struct walk *walk; /* NULL: no DWARF there */
};

struct child {
	struct open_file file[LINES_OPEN];
	uint64_t clock;
	struct buf answer;
};

static void file_close(struct open_file *f)
{
	walk_close(f->walk);
	if (f->id)
		close(f->fd);
	*f = (struct open_file){ 0 };
}

/* Takes @fd over. */
static struct open_file *file_get(struct child *c, uint64_t id, int fd)
{
	struct open_file *oldest = &c->file[0];

	for (size_t i = 0; i < LINES_OPEN; i++) {
		if (c->file[i].id == id) {
			close(fd);
			return &c->file[i];
		}
		if (c->file[i].used < oldest->used)
			oldest = &c->file[i];
	}
	file_close(oldest);
	*oldest = (struct open_file){ .id = id, .fd = fd };
	if (walk_open(fd, &oldest->walk) < 0)
		oldest->walk = NULL;
	return oldest;
}

/* 0, or -1: the parent is gone or has been silent for long. */
static int question_get(int sock, struct lines_question *q, int *ret_fd)
{
	struct iovec io = { q, sizeof(*q) };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof(ctl)
	};
	struct cmsghdr *h;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != sizeof(*q))
		return -1;
	h = CMSG_FIRSTHDR(&m);
	if (!h || h->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(ret_fd, CMSG_DATA(h), sizeof(int));
	return 0;
}

static int answer_put(struct child *c, int sock, const struct lines_question *q, int fd)
{
	struct open_file *f = file_get(c, q->id, fd);
	struct iovec io;
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	uint32_t n = 0;

	f->used = ++c->clock;
	buf_reset(&c->answer);
	buf_add(&c->answer, &n, sizeof(n));
	if (f->walk)
		n = walk_frames(f->walk, q->vaddr, &c->answer);
	if (c->answer.failed)
		return -1;
	memcpy(c->answer.p, &n, sizeof(n));
	io = (struct iovec){ c->answer.p, c->answer.n };
	if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		return -1;
	if (!SANITIZED && mallinfo2().uordblks > MEMORY_KEPT)
		for (size_t i = 0; i < LINES_OPEN; i++)
			file_close(&c->file[i]);
	return 0;
}

_Noreturn void lines_child(int sock)
{
	static struct child c = { .answer = { .max = LINES_ANSWER_MAX } };
	struct lines_question q;
	int fd;

	confine(&sock);
	while (question_get(sock, &q, &fd) == 0)
		if (answer_put(&c, sock, &q, fd) < 0)
			_exit(1);
	_exit(0);
}
