/*
 * Reading by the clock. The kernel hands out an iterator's bytes in pieces that need not end with a
 * record: what is left over stands before the next piece.
 */
#include "source/clockwork.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ROOM (64u << 10)

static int reader_open(const struct loaded *p, const struct probe_hook *h)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, h->program);
	struct bpf_map *map = h->map ? bpf_object__find_map_by_name(p->obj, h->map) : NULL;
	union bpf_iter_link_info info = { .map.map_fd = map ? (uint32_t)bpf_map__fd(map) : 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	struct bpf_link *link;
	int fd;

	if (!prog || (h->map && !map))
		return -ENOENT;
	if (map) {
		opts.link_info = &info;
		opts.link_info_len = sizeof(info);
	}
	link = bpf_program__attach_iter(prog, &opts);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		fd = -errno;
	bpf_link__destroy(link);
	return fd;
}

/* Takes the whole records of @n bytes; how many bytes they are, or -EBADMSG. */
static ssize_t records_take(const char *room, size_t n, struct inject *q, uint64_t *refused)
{
	size_t at = 0;

	while (n - at >= sizeof(struct rec_hdr)) {
		struct rec_hdr h;

		memcpy(&h, room + at, sizeof(h));
		if (h.len < sizeof(h) || h.len % 8 || h.len > ROOM / 2)
			return -EBADMSG;
		if (h.len > n - at)
			break;
		*refused += inject_add(q, (const struct rec_hdr *)(room + at)) != 0;
		at += h.len;
	}
	return (ssize_t)at;
}

static int reader_run(int fd, char *room, struct inject *q, uint64_t *refused)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, room + n, ROOM - n), taken;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : n ? -EBADMSG : 0;
		n += (size_t)got;
		taken = records_take(room, n, q, refused);
		if (taken < 0)
			return (int)taken;
		n -= (size_t)taken;
		memmove(room, room + taken, n);
	}
}

int clockwork_run(const struct loader *l, struct inject *q, uint64_t *ret_refused)
{
	_cleanup_(freep) char *room = NULL;
	int first = 0;

	for (size_t i = 0; i < probes_n; i++) {
		const struct loaded *p = &l->probes[i];

		if (!p->nlinks)
			continue;
		for (const struct probe_hook *h = probes[i]->hooks; h->program; h++) {
			_cleanup_(closep) int fd = -1;
			int err;

			if (!h->clock)
				continue;
			if (!room && !(room = malloc(ROOM)))
				return -ENOMEM;
			fd = reader_open(p, h);
			err = fd < 0 ? fd : reader_run(fd, room, q, ret_refused);
			first = first ? first : err;
		}
	}
	return first;
}
