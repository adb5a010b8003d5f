#pragma once
/*
 * For tests of the agent: records as the kernel would send them, made by hand, into a pipeline; and
 * the events that come out as JSON. One thread; memory of the maker lives until stream_close.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <string.h>

#include "agent/sink.h"
#include "probe/process/process.h"
#include "wire/meta.h"

struct stream {
	struct pipeline p;
	struct buf why;
	uint64_t time_ns;
	union {
		struct rec_hdr hdr;
		struct rec_fork fork;
		struct rec_exec exec;
		struct rec_exit exit;
		struct rec_task_seen seen;
		struct rec_cgroup_seen cgroup;
		struct rec_blob blob;
		char bytes[8192];
	} r;
};

static inline void stream_open(struct stream *s)
{
	struct event_host host = { .name = STR("test"), .boot_to_wall_ns = 1000000000 };

	memset(s, 0, sizeof(*s));
	s->time_ns = 5000;
	assert_int_equal(pipeline_init(&s->p, &host), 0);
}

static inline void stream_close(struct stream *s)
{
	pipeline_free(&s->p);
	buf_free(&s->why);
}

static inline void stream_header(struct stream *s, enum rec_type type, size_t bytes, uint32_t pid)
{
	memset(&s->r, 0, sizeof(s->r));
	s->r.hdr = (struct rec_hdr){
		.time_ns = s->time_ns += 100,
		.start_ns = pid, /* so that (pid, start time) is known by the pid */
		.cgroup = 1,
		.len = (uint32_t)bytes,
		.pid = pid,
		.tid = pid,
		.type = (uint16_t)type,
	};
}

static inline void stream_put(struct stream *s)
{
	pipeline_record(&s->p, &s->r.hdr);
}

/* The text's first bytes, at most @max; the rest of @to stays. */
static inline void stream_text(char *to, const char *text, size_t max)
{
	for (size_t i = 0; i < max && text[i]; i++)
		to[i] = text[i];
}

static inline struct rec_task stream_task(uint32_t pid, uint32_t ppid, const char *comm)
{
	struct rec_task t = { .start_ns = pid,
			      .parent_start_ns = ppid,
			      .cgroup = 1,
			      .pid = pid,
			      .ppid = ppid,
			      .pgid = pid,
			      .vpid = pid,
			      .loginuid = UINT32_MAX };

	stream_text(t.comm, comm, sizeof(t.comm) - 1);
	return t;
}

/* Appends @n bytes behind the record; its place. */
static inline struct rec_str stream_tail(struct stream *s, const void *p, size_t n)
{
	struct rec_str piece = { (uint16_t)s->r.hdr.len, (uint16_t)n };

	assert_true(s->r.hdr.len + n <= sizeof(s->r));
	memcpy(s->r.bytes + s->r.hdr.len, p, n);
	s->r.hdr.len += (uint32_t)n;
	return piece;
}

/* A process that was there at the start; @args: its command line, one word. */
static inline void stream_seen(struct stream *s, uint32_t pid, uint32_t ppid, uint32_t uid,
			       const char *comm)
{
	stream_header(s, REC_TASK_SEEN, sizeof(s->r.seen), pid);
	s->r.seen.task = stream_task(pid, ppid, comm);
	s->r.seen.task.uid = s->r.seen.task.euid = s->r.hdr.uid = uid;
	s->r.seen.piece[EXEC_ARGS] = stream_tail(s, comm, strlen(comm) + 1);
	stream_put(s);
}

static inline void stream_fork(struct stream *s, uint32_t parent, uint32_t child, const char *comm)
{
	stream_header(s, REC_FORK, sizeof(s->r.fork), parent);
	s->r.fork.child = stream_task(child, parent, comm);
	memcpy(s->r.hdr.comm, s->r.fork.child.comm, sizeof(s->r.hdr.comm));
	stream_put(s);
}

static inline void stream_exec(struct stream *s, uint32_t pid, uint32_t ppid, const char *comm)
{
	stream_header(s, REC_EXEC, sizeof(s->r.exec), pid);
	s->r.exec.task = stream_task(pid, ppid, comm);
	memcpy(s->r.hdr.comm, s->r.exec.task.comm, sizeof(s->r.hdr.comm));
	s->r.exec.piece[EXEC_ARGS] = stream_tail(s, comm, strlen(comm) + 1);
	stream_put(s);
}

static inline void stream_exit(struct stream *s, uint32_t pid, const char *comm, int code)
{
	stream_header(s, REC_EXIT, sizeof(s->r.exit), pid);
	stream_text(s->r.hdr.comm, comm, sizeof(s->r.hdr.comm));
	s->r.exit.code = code;
	stream_put(s);
}

static inline void stream_cgroup(struct stream *s, uint64_t id, const char *path)
{
	stream_header(s, REC_CGROUP_SEEN, sizeof(s->r.cgroup), 0);
	s->r.cgroup.id = id;
	s->r.cgroup.path = stream_tail(s, path, strlen(path));
	stream_put(s);
}

static inline void stream_users(struct stream *s, const char *blob)
{
	stream_header(s, REC_USERS, sizeof(s->r.blob), 0);
	s->r.blob.blob = stream_tail(s, blob, strlen(blob));
	stream_put(s);
}
