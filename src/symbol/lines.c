/* The parent's side: starts the child, asks, waits, and gives up. */
#include "symbol/lines.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/cur.h"
#include "symbol/lines_child.h"
#include "symbol/lines_walk.h"

#define GRACE_MS 200 /* from closing its socket to being gone */

struct lines {
	pid_t pid; /* 0: none */
	int sock;
	struct lines_counts counts;
	uint8_t answer[LINES_ANSWER_MAX];
};

int lines_new(struct lines **ret)
{
	struct lines *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->sock = -1;
	*ret = d;
	return 0;
}

/* Ends the child; whether it had ended by itself, and well. @grace_ms: to finish what it does. */
static bool child_end(struct lines *d, unsigned grace_ms)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int status = 0;
	pid_t r;

	if (!d->pid)
		return false;
	closep(&d->sock);
	d->sock = -1;
	while ((r = waitpid(d->pid, &status, WNOHANG)) == 0 && grace_ms-- > 0)
		nanosleep(&ms, NULL);
	if (r == 0) {
		kill(d->pid, SIGKILL);
		while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	d->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void lines_free(struct lines *d)
{
	if (!d)
		return;
	child_end(d, 0);
	free(d);
}

static int child_start(struct lines *d)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		lines_child(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -EAGAIN;
	}
	d->sock = pair[0];
	d->pid = pid;
	d->counts.started++;
	return 0;
}

static bool question_send(struct lines *d, const struct lines_question *q, int fd)
{
	struct iovec io = { (void *)q, sizeof(*q) };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = { .h = { .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS,
			 .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof(ctl)
	};

	memcpy(CMSG_DATA(&ctl.h), &fd, sizeof(fd));
	return sendmsg(d->sock, &m, MSG_NOSIGNAL) == sizeof(*q);
}

/* Bytes of the answer; 0: the child is gone; -ETIMEDOUT. */
static ssize_t answer_wait(struct lines *d)
{
	struct pollfd p = { .fd = d->sock, .events = POLLIN };
	int r = poll(&p, 1, LINES_TIME_MS);
	ssize_t n;

	if (r <= 0)
		return -ETIMEDOUT;
	n = recv(d->sock, d->answer, sizeof(d->answer), 0);
	return n < 0 ? 0 : n;
}

/* Bytes of the answer or -EIO. A child that had left for idleness is started again, once. */
static ssize_t ask(struct lines *d, const struct lines_question *q, int fd)
{
	for (unsigned tries = 0; tries < 2; tries++) {
		ssize_t n = 0;

		if (!d->pid && child_start(d) < 0)
			return 0;
		if (question_send(d, q, fd))
			n = answer_wait(d);
		if (n > 0)
			return n;
		d->counts.late += n < 0;
		if (!child_end(d, n < 0 ? 0 : GRACE_MS)) {
			d->counts.crashed += n == 0;
			return -EIO;
		}
	}
	return -EIO;
}

static struct str text_copy(struct arena *text, struct str s)
{
	char *p = s.n ? arena_alloc(text, s.n) : NULL;

	if (!p)
		return STR_NONE;
	memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

int lines_frames(struct lines *d, uint64_t id, int fd, uint64_t vaddr, struct arena *text,
		 struct frame *ret, size_t max)
{
	struct lines_question q = { id, vaddr };
	ssize_t got = ask(d, &q, fd);
	struct cur c = cur_of(d->answer, got > 0 ? (size_t)got : 0);
	uint32_t n = 0, i;

	d->counts.asked++;
	if (got < 0)
		return (int)got;
	if (!cur_u32(&c, &n))
		return 0;
	for (i = 0; i < n && i < max; i++) {
		struct str name, file;
		struct walk_frame w;

		if (!cur_copy(&c, &w, sizeof(w)) || !cur_str(&c, w.name_n, &name) ||
		    !cur_str(&c, w.file_n, &file))
			break;
		ret[i] = (struct frame){ .kind = FRAME_NATIVE,
					 .function = text_copy(text, name),
					 .file = text_copy(text, file),
					 .line = w.line,
					 .inlined = i + 1 < n };
	}
	return (int)i;
}

void lines_tick(struct lines *d)
{
	struct pollfd p = { .fd = d->sock, .events = POLLIN };

	/* Unasked it says nothing: what is to be read is the end. */
	if (d->pid && poll(&p, 1, 0) > 0)
		child_end(d, GRACE_MS);
}

const struct lines_counts *lines_counts(const struct lines *d)
{
	return &d->counts;
}
