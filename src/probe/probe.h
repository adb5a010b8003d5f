#pragma once
/*
 * What a probe is: one thing the kernel is asked. Each folder probe/NAME ends in one `struct probe`
 * called probe_NAME, named by one line in PORTHOLE_PROBES below; nothing else lists probes.
 *
 * The kernel program is embedded by the build (NAME_bpf_elf .. NAME_bpf_elf_end). The agent loads a
 * probe only when one of its kinds is asked for (or it is `always`), attaches its hooks, and gives
 * the records it sends to the decoder of their type. Decoders are pure: bytes in, event out, also
 * for damaged bytes from a capture; they check length before anything else.
 */
#include <bpf/libbpf.h>

#include "base/arena.h"
#include "event/field.h"
#include "wire/ctl.h"
#include "wire/record.h"

#define PORTHOLE_PROBES(X) \
	X(process)         \
	X(syscall)         \
	X(tcp)             \
	X(udp)             \
	X(signal)          \
	X(oom)             \
	X(module)          \
	X(uring)           \
	X(profile)         \
	X(sched)           \
	X(calls)           \
	X(stream)          \
	X(tls)

/*
 * Makes the event of a record. @h->len bytes are there, at least a header's. Fills *ret (zeroed by
 * the caller except time, num, hdr, host) and returns 0, or -EBADMSG for bytes that cannot be
 * a record of this type. What needs memory takes it from the arena; a full arena means an absent
 * field, never a failure.
 */
typedef int (*probe_decode)(const struct rec_hdr *h, struct arena *a, struct event *ret);

struct probe_decoder {
	enum rec_type type; /* REC_NONE ends the list */
	probe_decode decode;
	/*
	 * Where the head of the record's stack (struct rec_stack, up to the end of the record) is,
	 * from its start; 0: it has none. NULL: records of this type never do. Of records as short
	 * as a header.
	 */
	size_t (*stack_at)(const struct rec_hdr *h);
};

/*
 * One program and where it goes. Its section says where, except when `targets` is set: then it is
 * attached to each tracepoint that the probe's targets() names, and `fallback` is the program to
 * use where tracefs cannot be read.
 */
struct probe_hook {
	const char *program; /* NULL ends the list */
	const char *fallback;
	const char *tracepoint; /* what it stands on, for messages */
	uint64_t kinds;		/* loaded only when one of these is asked for; 0: always */
	bool targets;
	bool optional; /* some kernels lack it: degraded without, not unavailable */
	bool iterator; /* run by source/seed.c, not attached */
	bool clock; /* an iterator that writes whole records, run by source/clockwork.c each second */
	const char *map; /* with clock: an iterator over this map */
	bool sweep;  /* an iterator run once, in its place in the list: it fills the probe's maps */
	bool cgroup; /* attached to the root of the cgroup hierarchy (version 2) */
	bool perf;   /* attached to the sampling clock of every CPU; one such hook in a probe */
	bool function; /* attached to functions of the probe's `libraries`, wherever one is found */
	bool stacks; /* reads user stacks: does less where that is not safe (source/user_stack.h) */
};

/*
 * Functions of programs and shared libraries, and what is attached to them, at the entry and at the return (names of
 * hooks with `function`; NULL: nothing). Both may stand inside of the function, where the arguments, or the result,
 * are in their registers: the attach cookie says how many bytes the stack pointer is then below the return address. A file that lacks the first function of its list is none of the library; the
 * others may be missing.
 */
struct probe_function {
	const char *symbol; /* NULL ends the list */
	const char *entry, *ret;
	const char *ret_kept; /* Go: instead of `ret`, where the code keeps its arguments; NULL: no difference */
};

struct probe_library {
	const char *name; /* of the file, without its folder; a pattern of fnmatch(3). NULL ends the list */
	const struct probe_function *functions;
	bool go; /* functions of Go programs, in the executables of processes; their returns are places of their own */
};

/*
 * Tells where functions of a Go program begin (place 0) and return (1; 2: its arguments are kept), as offsets in
 * its file: symbol/go_places.h, whose go_places this is. The agent hands it to who attaches.
 */
typedef int (*probe_place_add)(void *ctx, size_t name, int place, uint64_t off);
typedef int (*probe_places)(int fd, const char *const *names, size_t n, probe_place_add add,
			    void *ctx);

/*
 * The same for functions that have symbols: where probes are cheap (symbol/func_places.h), with how many bytes the
 * stack pointer is below the return address there.
 */
typedef int (*probe_cheap_add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth);
typedef int (*probe_cheap)(int fd, const char *const *names, size_t n, probe_cheap_add add,
			   void *ctx);

/* NULL: nobody, then Go programs are left alone, and probes stand where functions begin. */
struct probe_finders {
	probe_places go;
	probe_cheap cheap;
};

/* A tracepoint by its names in tracefs. */
typedef int (*probe_target_add)(void *ctx, const char *category, const char *event);

struct probe {
	const char *name, *help;
	const char *elf, *elf_end; /* the BPF object */
	uint64_t kinds;		   /* what it can produce */
	bool always;		   /* identity hangs on it */
	bool late;		   /* long to verify: in a thread, while the others run already */
	const struct probe_hook *hooks;
	const struct probe_decoder *decoders;
	const struct field *fields; /* its own fields, ended by a NULL name; NULL: none */
	const struct probe_library *libraries; /* of hooks with `function`; source/library.h finds them */
	const char *untied; /* map: its only word counts calls of functions of which no socket is known */
	/*
	 * Sets read-only data after open and before load; may be NULL. A program whose autoload it
	 * turns off is not needed on this kernel: its hook is left out. 0 or -errno; -EOPNOTSUPP:
	 * this kernel has nothing to ask, for the reason `missing`.
	 */
	int (*prepare)(struct bpf_object *obj);
	const char *missing;
	/* Names the tracepoints of a hook with `targets`; stops at the first error of @add. */
	int (*targets)(const struct probe_hook *hook, uint64_t kinds, probe_target_add add,
		       void *ctx);
	/* The kinds that events with this evt.type can have; NULL: any of `kinds`, whatever the type. */
	uint64_t (*type_kinds)(struct str type);
};

#define X(name) extern const struct probe probe_##name;
PORTHOLE_PROBES(X)
#undef X

extern const struct probe *const probes[];
extern const size_t probes_n;

/* The bytes of a piece of a record of @len bytes; absent when it is not inside. */
static inline struct str rec_piece(const void *rec, size_t len, struct rec_str s)
{
	if (s.off == 0 || (size_t)s.off + s.len > len)
		return STR_NONE;
	return (struct str){ (const char *)rec + s.off, s.len };
}

/*
 * A walk ("passwd\0etc\0", leaf first) as a path ("/etc/passwd") in the arena; "/" for an empty
 * one. Absent when the arena is full.
 */
struct str walk_to_path(struct arena *a, struct str walk);

/*
 * @path made absolute and normal as the kernel would read it without following links: joined to
 * @base when relative, "." and "//" dropped, ".." taken back. In the arena, or @path itself when
 * nothing had to change.
 */
struct str path_resolve(struct arena *a, struct str base, struct str path);

/*
 * For the prepare() of a probe whose programs read the times of threads (bpf/thread.h): leaves out the map of them
 * when knobs.request_times is not set. 0 or -errno.
 */
int probe_times_prepare(struct bpf_object *obj);
