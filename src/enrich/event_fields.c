/* evt.*: when, what, how it ended. */
#include "base/arena.h"
#include "enrich/enrich.h"
#include "event/errno.h"

#include <stdio.h>
#include <time.h>

#define TIME_BYTES 40

enum evt_field {
	EVT_NUM,
	EVT_TIME,
	EVT_TYPE,
	EVT_KIND,
	EVT_RES,
	EVT_RAWRES,
	EVT_FAILED,
	EVT_CPU,
	EVT_TID,
	EVT_DIR,
	EVT_CATEGORY,
	EVT_SOURCE,
	EVT_SYSCALL,
	EVT_TYPE_IS,
	EVT_COUNT,
	EVT_COUNT_ERROR,
	EVT_COUNT_FILE,
	EVT_COUNT_NET,
	EVT_COUNT_MEMORY,
	EVT_COUNT_OTHER,
	EVT_IS_ASYNC,
	EVT_IS_WAIT,
	EVT_IS_IO,
	EVT_IS_READ,
	EVT_IS_WRITE,
	EVT_IS_SYSLOG,
	EVT_IO_DIR,
	EVT_RAWTIME,
	EVT_RAWTIME_S,
	EVT_RAWTIME_NS,
};

/* sysdig's groups of events. What moves data counts as what its descriptor is. */
static const char *const categories[KIND_COUNT] = {
	[KIND_FORK] = "process",  [KIND_EXEC] = "process",     [KIND_EXIT] = "process",
	[KIND_CGROUP] = "other",  [KIND_OPEN] = "file",	       [KIND_CREATE] = "file",
	[KIND_DELETE] = "file",	  [KIND_RENAME] = "file",      [KIND_LINK] = "file",
	[KIND_CHMOD] = "file",	  [KIND_MOUNT] = "file",       [KIND_CONNECT] = "net",
	[KIND_ACCEPT] = "net",	  [KIND_BIND] = "net",	       [KIND_LISTEN] = "net",
	[KIND_TCP] = "net",	  [KIND_UDP] = "net",	       [KIND_SIGNAL] = "signal",
	[KIND_OOM] = "system",	  [KIND_MODULE] = "other",     [KIND_PTRACE] = "process",
	[KIND_SETID] = "user",	  [KIND_NS] = "process",       [KIND_BPF] = "other",
	[KIND_SAMPLE] = "other",  [KIND_IO_URING] = "unknown", [KIND_SOCKET] = "net",
	[KIND_MEMORY] = "memory", [KIND_REQUEST] = "net",
};

static struct str category(const struct event *ev)
{
	if (categories[ev->kind->id])
		return str_of(categories[ev->kind->id]);
	switch (ev->fd.type) {
	case FD_FILE:
	case FD_DIR:
		return STR("file");
	case FD_IPV4:
	case FD_IPV6:
		return STR("net");
	case FD_UNIX:
	case FD_PIPE:
		return STR("ipc");
	default:
		return STR("unknown");
	}
}

static bool is_kind(const struct event *ev, uint64_t kinds)
{
	return KIND_BIT(ev->kind->id) & kinds;
}

#define READS  KIND_BIT(KIND_RECV)
#define WRITES KIND_BIT(KIND_SEND)

static uint64_t wall_ns(const struct event *ev)
{
	return ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
}

/* Not system calls: what the kernel tells by itself. */
#define KERNEL_KINDS                                                                             \
	(KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_CGROUP) | KIND_BIT(KIND_TCP) | KIND_BIT(KIND_UDP) | \
	 KIND_BIT(KIND_SIGNAL) | KIND_BIT(KIND_OOM) | KIND_BIT(KIND_SAMPLE) |                    \
	 KIND_BIT(KIND_REQUEST))

static bool text_get(const struct event *ev, enum evt_field field, struct str *ret)
{
	switch (field) {
	case EVT_TYPE:
		*ret = ev->type;
		return true;
	case EVT_SYSCALL:
		*ret = ev->type;
		return !is_kind(ev, KERNEL_KINDS);
	case EVT_KIND:
		*ret = ev->kind->name;
		return true;
	case EVT_RES:
		*ret = ev->ret < 0 ? errno_name(ev->ret) : STR("SUCCESS");
		return ev->has_ret && ret->p;
	case EVT_DIR: /* events are made when a call returns */
		*ret = STR("<");
		return true;
	case EVT_CATEGORY:
		*ret = category(ev);
		return true;
	case EVT_SOURCE:
		*ret = STR("syscall");
		return true;
	case EVT_IO_DIR:
		*ret = is_kind(ev, WRITES) ? STR("write") : STR("read");
		return is_kind(ev, READS | WRITES);
	default:
		return false;
	}
}

static bool bool_get(const struct event *ev, enum evt_field field, bool *ret)
{
	switch (field) {
	case EVT_FAILED:
		*ret = ev->ret < 0;
		return ev->has_ret;
	case EVT_IS_IO:
		*ret = is_kind(ev, READS | WRITES);
		return true;
	case EVT_IS_READ:
		*ret = is_kind(ev, READS);
		return true;
	case EVT_IS_WRITE:
		*ret = is_kind(ev, WRITES);
		return true;
	case EVT_IS_SYSLOG:
		*ret = is_kind(ev, WRITES) && ev->fd.type == FD_UNIX &&
		       str_ends(ev->fd.name, STR("/dev/log"));
		return true;
	default: /* EVT_IS_ASYNC, EVT_IS_WAIT: no event here is */
		*ret = false;
		return true;
	}
}

/* Did it fail, and is it of this category? Absent: of none that has a count of its own. */
static bool failed_as(const struct event *ev, struct str want)
{
	struct str c = category(ev);
	bool own = str_eq(c, STR("file")) || str_eq(c, STR("net")) || str_eq(c, STR("memory"));

	return ev->has_ret && ev->ret < 0 && (want.p ? str_eq(c, want) : !own);
}

static bool number_get(const struct event *ev, const struct field_ref *ref, uint64_t *ret)
{
	switch ((enum evt_field)ref->field->arg) {
	case EVT_NUM:
		*ret = ev->num;
		return true;
	case EVT_TIME:
	case EVT_RAWTIME:
		*ret = wall_ns(ev);
		return true;
	case EVT_RAWTIME_S:
		*ret = wall_ns(ev) / NS_PER_SEC;
		return true;
	case EVT_RAWTIME_NS:
		*ret = wall_ns(ev) % NS_PER_SEC;
		return true;
	case EVT_RAWRES:
		*ret = (uint64_t)ev->ret;
		return ev->has_ret;
	case EVT_CPU:
		*ret = ev->hdr->cpu;
		return true;
	case EVT_TID:
		*ret = ev->hdr->tid;
		return true;
	case EVT_TYPE_IS:
		*ret = str_eq(ev->type, ref->key);
		return ref->key.p != NULL;
	case EVT_COUNT_ERROR:
		*ret = 1;
		return ev->has_ret && ev->ret < 0;
	case EVT_COUNT_FILE:
		*ret = 1;
		return failed_as(ev, STR("file"));
	case EVT_COUNT_NET:
		*ret = 1;
		return failed_as(ev, STR("net"));
	case EVT_COUNT_MEMORY:
		*ret = 1;
		return failed_as(ev, STR("memory"));
	case EVT_COUNT_OTHER:
		*ret = 1;
		return failed_as(ev, STR_NONE);
	default: /* EVT_COUNT */
		*ret = 1;
		return true;
	}
}

static bool evt_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	enum evt_field field = (enum evt_field)ref->field->arg;

	if (nth)
		return false;
	ret->type = ref->field->type;
	if (ret->type == VALUE_STR)
		return text_get(ev, field, &ret->str);
	if (ret->type == VALUE_BOOL)
		return bool_get(ev, field, &ret->b);
	return number_get(ev, ref, &ret->u64);
}

/* Bytes that went over the descriptor; arg: which events have them. */
enum buflen {
	LEN_IN = 1,
	LEN_OUT = 2,
	LEN_NET = 4, /* IPv4 and IPv6 alone */
};

static bool buflen_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	unsigned which = (unsigned)ref->field->arg;
	bool net = ev->fd.type == FD_IPV4 || ev->fd.type == FD_IPV6;

	if (nth || ev->ret < 0 || ((which & LEN_NET) && !net) ||
	    !is_kind(ev, (which & LEN_IN ? READS : 0) | (which & LEN_OUT ? WRITES : 0)))
		return false;
	ret->type = VALUE_U64;
	ret->u64 = (uint64_t)ev->ret;
	return true;
}

/* Times as text: with nanoseconds or without, and what stands behind them. */
static const struct time_format {
	const char *format, *behind;
	bool utc, ns;
} time_formats[] = {
	{ "%H:%M:%S", "", false, false },
	{ "%Y-%m-%dT%H:%M:%S", "+0000", true, true },
	{ "%Y-%m-%d %H:%M:%S", "", false, true },
	{ "%Y-%m-%d %H:%M:%S", "", false, false },
};

static bool time_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct time_format *f = &time_formats[ref->field->arg];
	char *room = arena_alloc(field_arena(), TIME_BYTES);
	time_t s = (time_t)(wall_ns(ev) / NS_PER_SEC);
	struct tm tm;
	size_t n;

	if (nth || !room || !(f->utc ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)))
		return false;
	n = strftime(room, TIME_BYTES, f->format, &tm);
	if (f->ns)
		n += (size_t)snprintf(room + n, TIME_BYTES - n, ".%09u%s",
				      (unsigned)(wall_ns(ev) % NS_PER_SEC), f->behind);
	ret->type = VALUE_STR;
	ret->str = (struct str){ room, n };
	return n != 0 && n < TIME_BYTES;
}

static bool host_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	(void)ref;
	ret->type = VALUE_STR;
	ret->str = ev->host->name;
	return nth == 0 && ret->str.n;
}

#define ALL  KINDS_ALL
#define DEF  FIELD_DEFAULT
#define MSGS (READS | WRITES)

const struct field enrich_event_fields[] = {
	{ "evt.num", VALUE_U64, "", ALL, 0, evt_get, EVT_NUM, "number of the event, from 1" },
	{ "evt.time", VALUE_TIME, "ns", ALL, DEF, evt_get, EVT_TIME, "when it happened" },
	{ "evt.type", VALUE_STR, "", ALL, DEF, evt_get, EVT_TYPE,
	  "the system call or kernel event: openat, execve, procexit, ..." },
	{ "evt.kind", VALUE_STR, "", ALL, DEF, evt_get, EVT_KIND,
	  "the group it belongs to, as --kind names it: open, exec, exit, ..." },
	{ "evt.res", VALUE_STR, "", ALL, DEF, evt_get, EVT_RES, "SUCCESS, or the error's name" },
	{ "evt.rawres", VALUE_I64, "", ALL, DEF, evt_get, EVT_RAWRES,
	  "result of the call; negative: an error number" },
	{ "evt.failed", VALUE_BOOL, "", ALL, 0, evt_get, EVT_FAILED, "whether the call failed" },
	{ "evt.cpu", VALUE_U64, "", ALL, 0, evt_get, EVT_CPU, "number of the CPU it happened on" },
	{ "thread.tid", VALUE_U64, "", ALL, DEF, evt_get, EVT_TID, "the thread that did it" },
	{ "evt.dir", VALUE_STR, "", ALL, 0, evt_get, EVT_DIR, "always <: events are of returns" },
	{ "evt.category", VALUE_STR, "", ALL, 0, evt_get, EVT_CATEGORY,
	  "file, net, ipc, process, user, signal, memory, system, other, unknown" },
	{ "evt.source", VALUE_STR, "", ALL, 0, evt_get, EVT_SOURCE, "always syscall" },
	{ "syscall.type", VALUE_STR, "", ALL & ~KERNEL_KINDS, 0, evt_get, EVT_SYSCALL,
	  "evt.type of system calls alone" },
	{ "evt.type.is", VALUE_U64, "", ALL, FIELD_INDEX, evt_get, EVT_TYPE_IS,
	  "evt.type.is.open: 1 when the event is an open, else 0" },
	{ "evt.count", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT, "always 1" },
	{ "evt.count.exit", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT, "always 1" },
	{ "evt.count.error", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT_ERROR,
	  "1 when the call failed" },
	{ "evt.count.error.file", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT_FILE,
	  "1 when a call about files failed" },
	{ "evt.count.error.net", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT_NET,
	  "1 when a call about the network failed" },
	{ "evt.count.error.memory", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT_MEMORY,
	  "1 when a call about memory failed" },
	{ "evt.count.error.other", VALUE_U64, "", ALL, 0, evt_get, EVT_COUNT_OTHER,
	  "1 when any other call failed" },
	{ "evt.is_async", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_ASYNC, "always false" },
	{ "evt.is_wait", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_WAIT, "always false" },
	{ "evt.is_io", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_IO,
	  "whether data was sent or received" },
	{ "evt.is_io_read", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_READ,
	  "whether data was received" },
	{ "evt.is_io_write", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_WRITE, "whether data was sent" },
	{ "evt.is_syslog", VALUE_BOOL, "", ALL, 0, evt_get, EVT_IS_SYSLOG,
	  "whether data was sent to /dev/log" },
	{ "evt.io_dir", VALUE_STR, "", MSGS, 0, evt_get, EVT_IO_DIR, "read or write" },
	{ "evt.buflen", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_IN | LEN_OUT,
	  "bytes sent or received" },
	{ "evt.buflen.in", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_IN, "bytes received" },
	{ "evt.buflen.out", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_OUT, "bytes sent" },
	{ "evt.buflen.net", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_IN | LEN_OUT | LEN_NET,
	  "bytes sent or received over IP" },
	{ "evt.buflen.net.in", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_IN | LEN_NET,
	  "bytes received over IP" },
	{ "evt.buflen.net.out", VALUE_U64, "bytes", MSGS, 0, buflen_get, LEN_OUT | LEN_NET,
	  "bytes sent over IP" },
	{ "evt.rawtime", VALUE_U64, "ns", ALL, 0, evt_get, EVT_RAWTIME, "Unix time in nanoseconds" },
	{ "evt.rawtime.s", VALUE_U64, "", ALL, 0, evt_get, EVT_RAWTIME_S, "its whole seconds" },
	{ "evt.rawtime.ns", VALUE_U64, "", ALL, 0, evt_get, EVT_RAWTIME_NS, "its fraction" },
	{ "evt.time.s", VALUE_STR, "", ALL, 0, time_get, 0, "time of day without a fraction" },
	{ "evt.time.iso8601", VALUE_STR, "", ALL, 0, time_get, 1, "date and time, UTC" },
	{ "evt.datetime", VALUE_STR, "", ALL, 0, time_get, 2, "date and time of day" },
	{ "evt.datetime.s", VALUE_STR, "", ALL, 0, time_get, 3, "the same without a fraction" },
	{ "evt.hostname", VALUE_STR, "", ALL, 0, host_get, 0, "name of the machine it happened on" },
	{ NULL },
};
