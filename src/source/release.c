/* The child may use only what is safe after a fork: other threads may have held any lock. */
#include "source/release.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PAUSE_NS 10000000 /* attaching all system calls takes less */

/* What the child holds: links first, the perf events behind some of them after all of them. */
struct held {
	size_t links, n;
	int fds[];
};

static struct held *held_collect(const struct loader *l)
{
	struct held *h;
	size_t n = 0;

	for (size_t i = 0; l->probes && i < probes_n; i++)
		n += l->probes[i].nlinks;
	h = n ? malloc(sizeof(*h) + 2 * n * sizeof(h->fds[0])) : NULL;
	if (!h)
		return NULL;
	*h = (struct held){ .links = n, .n = n };
	n = 0;
	for (size_t i = 0; i < probes_n; i++) {
		const struct loaded *p = &l->probes[i];

		for (size_t k = 0; k < p->nlinks; k++) {
			int link = bpf_link__fd(p->links[k]);

			/* Up to 5.14 the kernel has no such link: the event is all there is. */
			h->fds[n++] = link == p->events[k] ? -1 : link;
			if (p->events[k] >= 0)
				h->fds[h->n++] = p->events[k];
		}
	}
	return h;
}

/* Everything open but @keep and what is held: sockets and locks are free when porthole has ended. */
static void others_close(const struct held *h, int keep)
{
	unsigned from = 3, next;

	do {
		next = ~0u;
		for (size_t i = 0; i <= h->n; i++) {
			unsigned fd = (unsigned)(i < h->n ? h->fds[i] : keep);

			if (fd >= from && fd < next)
				next = fd;
		}
		if (next > from)
			syscall(SYS_close_range, from, next == ~0u ? next : next - 1, 0);
		from = next + 1;
	} while (next != ~0u);
}

static void standard_drop(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (dup2(null, fd) < 0)
			break;
}

static void child(const struct held *h, int parent)
{
	const struct timespec pause = { 0, PAUSE_NS };
	char nothing;

	prctl(PR_SET_NAME, "porthole-detach");
	standard_drop();
	others_close(h, parent);
	while (read(parent, &nothing, 1) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < h->n; i++) {
		close(h->fds[i]);
		if (i >= h->links)
			nanosleep(&pause, NULL);
	}
	_exit(0);
}

int release_begin(const struct loader *l)
{
	_cleanup_(freep) struct held *h = held_collect(l);
	_cleanup_(closep) int theirs = -1, ours = -1;
	int ends[2];
	pid_t pid;

	if (!h || pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	theirs = ends[0];
	ours = ends[1];
	pid = fork();
	if (pid == 0)
		child(h, theirs);
	return pid < 0 ? -1 : take_fd(&ours);
}
