/*
 * Push-down against a kernel made of arrays: what enters which map, and that nothing that matches is
 * held back. The map calls of libbpf and of the live source are this program's own.
 */
#include "agent/stream_test.h"

#include <errno.h>
#include <stdio.h>

#include "agent/pushdown.h"
#include "agent/subject.h"

#include <bpf/bpf.h>

#define ENTRIES 64

struct fake_map {
	struct {
		char key[16];
		uint32_t value;
		bool used;
	} e[ENTRIES];
};

static struct fake_map maps[MAP_COUNT];
static struct ctl told; /* as live_ctl last said */
static unsigned times_told;
static int put_err;

static const size_t key_bytes[MAP_COUNT] = {
	[MAP_f_cgroup] = 8,
	[MAP_f_pid] = 4,
	[MAP_f_uid] = 4,
	[MAP_f_comm] = 16,
};

int live_map(struct source *s, enum shared_map map)
{
	(void)s;
	return (int)map;
}

int live_ctl(struct source *s, const struct ctl *ctl)
{
	(void)s;
	told = *ctl;
	times_told++;
	return 0;
}

static int fake_find(int fd, const void *key)
{
	for (int i = 0; i < ENTRIES; i++)
		if (maps[fd].e[i].used && memcmp(maps[fd].e[i].key, key, key_bytes[fd]) == 0)
			return i;
	return -1;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	int at = fake_find(fd, key);

	(void)flags;
	for (int i = 0; at < 0 && i < ENTRIES; i++)
		if (!maps[fd].e[i].used)
			at = i;
	if (at < 0 || put_err) {
		errno = put_err ? put_err : E2BIG;
		return -1;
	}
	maps[fd].e[at].used = true;
	memcpy(maps[fd].e[at].key, key, key_bytes[fd]);
	memcpy(&maps[fd].e[at].value, value, 4);
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	int at = fake_find(fd, key);

	if (at >= 0)
		maps[fd].e[at].used = false;
	return at >= 0 ? 0 : -1;
}

int bpf_map_get_next_key(int fd, const void *key, void *next)
{
	assert_null(key); /* the first one is all that is asked for */
	for (int i = 0; i < ENTRIES; i++)
		if (maps[fd].e[i].used) {
			memcpy(next, maps[fd].e[i].key, key_bytes[fd]);
			return 0;
		}
	return -1;
}

static bool has_u32(enum shared_map map, uint32_t key)
{
	return fake_find((int)map, &key) >= 0;
}

static bool has_comm(const char *comm)
{
	char key[16] = { 0 };

	stream_text(key, comm, 15);
	return fake_find(MAP_f_comm, key) >= 0;
}

/* The verdict about a cgroup: 1, 0, or -1 for none. */
static int verdict(uint64_t id)
{
	int at = fake_find(MAP_f_cgroup, &id);

	return at < 0 ? -1 : (int)maps[MAP_f_cgroup].e[at].value;
}

struct room {
	struct stream s;
	struct pushdown p;
	struct query q;
};

static void room_open(struct room *r)
{
	memset(maps, 0, sizeof(maps));
	memset(&told, 0, sizeof(told));
	times_told = 0;
	put_err = 0;
	stream_open(&r->s);
	field_arena_set(&r->s.p.arena);
	r->p = (struct pushdown){ .pipeline = &r->s.p, .ctl.self = 4242 };
}

static int room_push(struct room *r, const struct query_opts *o)
{
	struct buf why = { 0 };

	if (query_make(o, &r->q, &why) != 0)
		fail_msg("%.*s", (int)why.n, why.p);
	return pushdown_set(&r->p, r->q.kinds, 0, &r->q);
}

static void room_where(struct room *r, const char *where)
{
	struct query_opts o = { .where = where };

	room_open(r);
	assert_int_equal(room_push(r, &o), 0);
	assert_int_equal(told.self, 4242);
	assert_int_equal(told.filtered_kinds & KINDS_LIFE, 0);
}

static void room_close(struct room *r)
{
	query_free(&r->q);
	stream_close(&r->s);
}

static void test_what(void **state)
{
	static const struct {
		const char *where;
		uint32_t filters;
	} cases[] = {
		{ "proc.pid=5", FILTER_PID },
		{ "proc.pid in (5,6)", FILTER_PID },
		{ "proc.pid!=5", 0 },
		{ "proc.pid>5", 0 },
		{ "not proc.pid=5", 0 },
		{ "proc.pid=5 or proc.name=x", 0 },
		{ "proc.pid=5 or proc.pid=6", FILTER_PID },
		{ "proc.pid=5 and proc.name=x", FILTER_PID | FILTER_COMM },
		{ "user.uid=0", FILTER_UID },
		{ "user.name=root", 0 },
		{ "proc.name startswith x", 0 },
		{ "proc.pname=x", 0 },
		{ "proc.aname=x", 0 },
		{ "fd.name=/etc/passwd", FILTER_PATH },
		{ "fd.name startswith /etc/", FILTER_PATH },
		{ "fd.name startswith etc", 0 },
		{ "fd.name in (/a,/b,/c,/d)", FILTER_PATH },
		{ "fd.name in (/a,/b,/c,/d,/e)", 0 },
		{ "fd.name in (/a,b)", 0 },
		{ "fd.name contains /etc", 0 },
		{ "fd.name=/a and user.uid=7 and proc.pid=1", FILTER_PATH | FILTER_UID | FILTER_PID },
		{ "container.id=abc", FILTER_CGROUP },
		{ "k8s.ns.name=shop and fd.name startswith /x", FILTER_CGROUP | FILTER_PATH },
		{ "container.id=abc or k8s.ns.name=shop", FILTER_CGROUP },
		{ "not container.id=host", FILTER_CGROUP },
		{ "container.id=abc or proc.pid=5", 0 },
		{ "proc.pid=5 or (proc.pid=6 and user.uid=1)", FILTER_PID },
	};
	struct room r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		room_where(&r, cases[i].where);
		if (told.filters != cases[i].filters)
			fail_msg("%s: %#x", cases[i].where, told.filters);
		room_close(&r);
	}
}

static void test_values(void **state)
{
	struct room r;

	(void)state;
	room_where(&r, "proc.pid in (5,6) and user.uid=7 and proc.name in (cat,fifteen_bytes_x,"
		       "sixteen_bytes_xy) and fd.name startswith /etc/");
	assert_true(has_u32(MAP_f_pid, 5) && has_u32(MAP_f_pid, 6) && !has_u32(MAP_f_pid, 7));
	assert_true(has_u32(MAP_f_uid, 7) && !has_u32(MAP_f_uid, 5));
	assert_true(has_comm("cat") && has_comm("fifteen_bytes_x"));
	assert_false(has_comm("sixteen_bytes_x")); /* no process can have the longer name */
	assert_int_equal(told.npaths, 1);
	assert_memory_equal(told.paths[0].word, "/etc/\0\0\0", 8);
	assert_memory_equal(told.paths[0].mask, "\xff\xff\xff\xff\xff\0\0\0", 8);
	/* What is asked for next replaces it. */
	query_free(&r.q);
	assert_int_equal(room_push(&r, &(struct query_opts){ .where = "proc.pid=9" }), 0);
	assert_true(has_u32(MAP_f_pid, 9) && !has_u32(MAP_f_pid, 5) && !has_u32(MAP_f_uid, 7));
	assert_false(has_comm("cat"));
	assert_int_equal(told.filters, FILTER_PID);
	assert_int_equal(told.npaths, 0);
	room_close(&r);
}

static void test_long_path(void **state)
{
	char where[256] = "fd.name=/";
	struct room r;

	(void)state;
	memset(where + 9, 'x', 200);
	room_where(&r, where);
	assert_int_equal(told.filters, FILTER_PATH);
	for (size_t i = 0; i < FILTER_PATH_BYTES; i++) {
		assert_int_equal(((char *)told.paths[0].word)[i], i ? 'x' : '/');
		assert_int_equal(((uint8_t *)told.paths[0].mask)[i], 0xff);
	}
	room_close(&r);
}

static void test_tree(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	stream_seen(&r.s, 10, 1, 0, "sh");
	stream_seen(&r.s, 11, 10, 0, "a");
	stream_seen(&r.s, 12, 11, 0, "b");
	stream_seen(&r.s, 13, 1, 0, "c");
	assert_int_equal(room_push(&r, &(struct query_opts){ .pid = 10, .tree = true }), 0);
	assert_int_equal(told.tree, 1);
	assert_int_equal(told.filters, FILTER_PID);
	assert_true(has_u32(MAP_f_pid, 10) && has_u32(MAP_f_pid, 11) && has_u32(MAP_f_pid, 12));
	assert_false(has_u32(MAP_f_pid, 13) || has_u32(MAP_f_pid, 1));
	room_close(&r);
}

#define ID_A "4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978"
#define ID_B "9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddccbbaa998877665544"

static void test_cgroups(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	stream_cgroup(&r.s, 1, "/");
	stream_cgroup(&r.s, 20, "/docker/" ID_A);
	stream_cgroup(&r.s, 21, "/docker/" ID_B);
	stream_seen(&r.s, 10, 1, 0, "sh"); /* in cgroup 1 */
	assert_int_equal(room_push(&r, &(struct query_opts){ .container = "4fe1c8a09b7d" }), 0);
	assert_int_equal(told.filters, FILTER_CGROUP);
	assert_int_equal(verdict(20), 1);
	assert_int_equal(verdict(21), 0);
	query_free(&r.q);
	assert_int_equal(room_push(&r, &(struct query_opts){ .where = "container.id=4fe1c8a09b7d" }),
			 0);
	assert_int_equal(told.filters, FILTER_CGROUP);
	assert_int_equal(verdict(1), 0);
	assert_int_equal(verdict(20), 1);
	assert_int_equal(verdict(21), 0);
	assert_int_equal(verdict(99), -1);
	/* A container that comes later is judged when it is told of. */
	stream_cgroup(&r.s, 30, "/system.slice/docker-" ID_A ".scope");
	assert_int_equal(verdict(30), -1);
	assert_int_equal(pushdown_cgroups(&r.p), 0);
	assert_int_equal(verdict(30), 1);
	room_close(&r);
}

static void test_off(void **state)
{
	struct query_opts o = { .where = "proc.pid=5 and container.id=x", .kinds = "open" };
	struct room r;

	(void)state;
	room_open(&r);
	r.p.off = true;
	assert_int_equal(room_push(&r, &o), 0);
	assert_int_equal(told.filters, 0);
	assert_int_equal(told.wanted, KIND_BIT(KIND_OPEN));
	assert_false(has_u32(MAP_f_pid, 5));
	assert_int_equal(pushdown_cgroups(&r.p), 0);
	room_close(&r);
}

/* A map that cannot be written leaves the filters off: too much passes, never too little. */
static void test_put_fails(void **state)
{
	struct query_opts o = { .where = "proc.pid=5" };
	struct room r;

	(void)state;
	room_open(&r);
	put_err = E2BIG;
	assert_int_equal(room_push(&r, &o), -E2BIG);
	assert_int_equal(told.filters, 0);
	room_close(&r);
}

/* As src/bpf/record.h judges, from the maps; paths as a program gives them. */
static bool kernel_passes(const struct proc *p, const char *path)
{
	char comm[16] = { 0 };

	memcpy(comm, p->comm, sizeof(comm));
	if ((told.filters & FILTER_PID) && !has_u32(MAP_f_pid, p->pid))
		return false;
	if ((told.filters & FILTER_UID) && !has_u32(MAP_f_uid, p->uid))
		return false;
	if ((told.filters & FILTER_COMM) && fake_find(MAP_f_comm, comm) < 0)
		return false;
	if ((told.filters & FILTER_CGROUP) && verdict(p->cgroup->id) == 0)
		return false;
	if (!(told.filters & FILTER_PATH) || path[0] != '/')
		return true;
	for (uint32_t i = 0; i < told.npaths; i++) {
		const uint8_t *word = (void *)told.paths[i].word, *mask = (void *)told.paths[i].mask;
		char fixed[FILTER_PATH_BYTES] = { 0 };
		bool same = true;

		stream_text(fixed, path, sizeof(fixed));
		for (size_t n = 0; n < sizeof(fixed); n++)
			same &= !(((uint8_t)fixed[n] ^ word[n]) & mask[n]);
		if (same)
			return true;
	}
	return false;
}

static const char *const wheres[] = {
	"proc.pid=10",
	"proc.pid in (10,11) and fd.name startswith /etc",
	"not proc.pid=10",
	"proc.pid=10 or proc.pid=12",
	"user.uid=7",
	"user.uid=7 or proc.name=sh",
	"proc.name=sh",
	"proc.name in (sh,cat) and user.uid=0",
	"fd.name=/etc/passwd",
	"fd.name in (/etc/passwd,/a)",
	"fd.name startswith /etc/ and not fd.name endswith d",
	"fd.name startswith /",
	"container.id=4fe1c8a09b7d",
	"container.id!=host",
	"container.id=host",
	"container.id in (4fe1c8a09b7d,9d8c7b6a5f4e) and proc.pid=11",
	"not container.id=host",
	"container.type=docker and fd.name=/a",
	"k8s.pod.uid exists",
	"not k8s.pod.uid exists",
	"container.id=4fe1c8a09b7d or proc.pid=12",
	"(proc.pid=10 or proc.pid=11) and (user.uid=0 or user.uid=7)",
	"proc.name=sh and proc.name=cat",
	"fd.name=/a and fd.name startswith /a and proc.pid!=10",
	"systemd.unit exists or container.id=9d8c7b6a5f4e",
	"proc.duration > 0 and user.uid in (0,1,2)",
};

/* Every condition, with every process and path: what matches has passed. */
static void test_nothing_held_back(void **state)
{
	static const char *const paths[] = { "/etc/passwd", "/etc/shadow", "/a", "/ab",
					     "/",	    "/etc",	   "rel" };
	static const struct {
		uint32_t pid, uid;
		const char *comm;
		uint64_t cgroup;
	} procs[] = { { 10, 0, "sh", 1 },   { 11, 7, "cat", 20 }, { 12, 7, "sh", 21 },
		      { 13, 1, "cat", 22 }, { 14, 0, "x", 99 },	  { 15, 2, "sh", 20 } };
	size_t matched = 0, held = 0;

	(void)state;
	for (size_t w = 0; w < sizeof(wheres) / sizeof(wheres[0]); w++) {
		struct room r;

		room_open(&r);
		stream_cgroup(&r.s, 1, "/");
		stream_cgroup(&r.s, 20, "/docker/" ID_A);
		stream_cgroup(&r.s, 21, "/docker/" ID_B);
		stream_cgroup(&r.s, 22, "/system.slice/nginx.service");
		assert_int_equal(room_push(&r, &(struct query_opts){ .where = wheres[w] }), 0);
		for (size_t i = 0; i < sizeof(procs) / sizeof(procs[0]) * 7; i++) {
			struct program program = { 0 };
			struct proc p = { .pid = procs[i / 7].pid,
					  .uid = procs[i / 7].uid,
					  .start.ns = 1,
					  .program = &program,
					  .cgroup = cgroup_get(enrich_cgroups(r.s.p.enrich),
							       procs[i / 7].cgroup) };
			const char *path = paths[i % 7];
			struct subject_event e;

			stream_text(p.comm, procs[i / 7].comm, 15);
			subject_event_init(&e, &p, &r.s.p.host, (struct boot_ns){ 50 });
			e.ev.kind = &kind_table[KIND_OPEN];
			e.ev.fd = (struct evt_fd){ .num = 3,
						   .type = FD_FILE,
						   .name = str_of(path[0] == '/' ? path :
										   "/etc/passwd") };
			if (!expr_match(r.q.where, &e.ev)) {
				held += !kernel_passes(&p, path);
				continue;
			}
			matched++;
			if (!kernel_passes(&p, path))
				fail_msg("%s: %u %s %s is held back", wheres[w], p.pid, p.comm, path);
		}
		room_close(&r);
	}
	assert_true(matched > 100 && held > 100); /* it was about something */
}

static void test_describe(void **state)
{
	struct buf b = { 0 };
	struct room r;

	(void)state;
	room_where(&r, "proc.pid=5 and fd.name=/a");
	pushdown_describe(&r.p, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "processes, paths");
	buf_free(&b);
	room_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),	  cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_path), cmocka_unit_test(test_tree),
		cmocka_unit_test(test_cgroups),	  cmocka_unit_test(test_off),
		cmocka_unit_test(test_put_fails), cmocka_unit_test(test_nothing_held_back),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests_name("pushdown", tests, NULL, NULL);
}
