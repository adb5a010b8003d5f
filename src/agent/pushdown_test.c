/*
 * Push-down against a kernel made of arrays: what enters which map, and that nothing that matches is
 * held back. The map calls of libbpf and of the live source are this program's own.
 */
#include "agent/stream_test.h"

#include <asm/unistd_64.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/pushdown.h"
#include "base/cleanup.h"
#include "enrich/cluster.h"
#include "enrich/container_name.h"
#include "probe/syscall/syscall.h"

#include <bpf/bpf.h>

#define ENTRIES 640

struct fake_map {
	struct {
		char key[24];
		char value[sizeof(struct filter_call)];
		bool used;
	} e[ENTRIES];
};

static struct fake_map maps[MAP_COUNT];
static struct ctl told; /* as live_ctl last said */
static unsigned times_told;
static int put_err;

static const struct {
	size_t key, value;
} map_bytes[MAP_COUNT] = {
	[MAP_f_cgroup] = { 8, 8 },
	[MAP_f_pid] = { 4, 8 },
	[MAP_f_uid] = { 4, 8 },
	[MAP_f_comm] = { 16, 8 },
	[MAP_f_call] = { 4, sizeof(struct filter_call) },
	[MAP_f_arg] = { 8, 8 },
	[MAP_f_port] = { 4, 8 },
	[MAP_f_net] = { sizeof(struct filter_net), 8 },
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

static struct filter_path path_table;

struct filter_path *live_paths(struct source *s)
{
	(void)s;
	return &path_table;
}

static int fake_find(int fd, const void *key)
{
	for (int i = 0; i < ENTRIES; i++)
		if (maps[fd].e[i].used && memcmp(maps[fd].e[i].key, key, map_bytes[fd].key) == 0)
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
	memcpy(maps[fd].e[at].key, key, map_bytes[fd].key);
	memcpy(maps[fd].e[at].value, value, map_bytes[fd].value);
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
			memcpy(next, maps[fd].e[i].key, map_bytes[fd].key);
			return 0;
		}
	return -1;
}

/* What a key leaves, as the kernel programs look it up. */
static uint64_t mask_of(enum shared_map map, const void *key, uint64_t other)
{
	int at = fake_find((int)map, key);
	uint64_t mask;

	if (at < 0)
		return other;
	memcpy(&mask, maps[map].e[at].value, sizeof(mask));
	return mask;
}

static bool pid_passes(uint32_t pid)
{
	return !told.dim[DIM_PID] ||
	       (told.clauses[KIND_OPEN] & mask_of(MAP_f_pid, &pid, told.other[DIM_PID]));
}

static bool uid_passes(uint32_t uid)
{
	return !told.dim[DIM_UID] ||
	       (told.clauses[KIND_OPEN] & mask_of(MAP_f_uid, &uid, told.other[DIM_UID]));
}

static bool comm_passes(const char *comm)
{
	char key[16] = { 0 };

	stream_text(key, comm, 15);
	return !told.dim[DIM_COMM] ||
	       (told.clauses[KIND_OPEN] & mask_of(MAP_f_comm, key, told.other[DIM_COMM]));
}

/* The verdict about a cgroup for the only clause: 1, 0, or -1 for none. */
static int verdict(uint64_t id)
{
	return fake_find(MAP_f_cgroup, &id) < 0 ? -1 : (int)(mask_of(MAP_f_cgroup, &id, 0) & 1);
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
	r->q = (struct query){ 0 };
	r->p = (struct pushdown){ .pipeline = &r->s.p, .ctl.self = 4242 };
}

static int room_push(struct room *r, const struct query_opts *o)
{
	struct buf why = { 0 };

	if (query_make(o, &r->q, &why) != 0)
		fail_msg("%.*s", (int)why.n, why.p);
	return pushdown_set(&r->p, r->q.kinds, 0,
			    &(struct pushdown_clause){ r->q.kinds, r->q.where, r->q.scope, r->q.pid,
						       r->q.tree },
			    1);
}

static void room_where(struct room *r, const char *where)
{
	struct query_opts o = { .where = where };

	room_open(r);
	assert_int_equal(room_push(r, &o), 0);
	assert_int_equal(told.self, 4242);
}

static void room_close(struct room *r)
{
	pushdown_free(&r->p);
	query_free(&r->q);
	stream_close(&r->s);
}

#define PID    (1 << DIM_PID)
#define USER   (1 << DIM_UID)
#define COMM   (1 << DIM_COMM)
#define CGROUP (1 << DIM_CGROUP)
#define SOCKET (1 << DIM_FAMILY)
#define ENDS   (1 << DIM_ENDS)
#define ARG    (1 << DIM_ARG)
#define PATH   (1 << DIM_PATH)

static void test_what(void **state)
{
	static const struct {
		const char *where;
		uint32_t dims;
	} cases[] = {
		{ "proc.pid=5", PID },
		{ "proc.pid in (5,6)", PID },
		{ "proc.pid!=5", PID },
		{ "proc.pid>5", 0 },
		{ "not proc.pid=5", PID },
		{ "proc.pid=5 or proc.name=x", 0 },
		{ "proc.pid=5 or proc.pid=6", PID },
		{ "proc.pid=5 and proc.name=x", PID | COMM },
		{ "proc.pid=5 or (proc.pid=6 and proc.name=x)", PID },
		{ "user.uid=0", USER },
		{ "user.name=root", 0 },
		{ "proc.name startswith x", 0 },
		{ "proc.name startswith x and not proc.name in (xx)", COMM },
		{ "proc.pname=x", 0 },
		{ "proc.aname=x", 0 },
		{ "fd.name contains /etc or proc.name=x", 0 },
		{ "container.id=abc", CGROUP },
		{ "container.id=abc or k8s.ns.name=shop", CGROUP },
		{ "not container.id=host", CGROUP },
		{ "container.id=abc and user.uid=7", CGROUP | USER },
		{ "fd.type=ipv4", SOCKET },
		{ "fd.sip=1.2.3.4 and fd.sport=80", SOCKET | ENDS },
		{ "fd.sport>80", SOCKET },
		{ "fd.sport=80 or proc.pname=x", 0 },
		{ "evt.arg.request=PTRACE_ATTACH", ARG },
		{ "evt.arg.request!=PTRACE_ATTACH", ARG },
		{ "evt.arg.request=PTRACE_ATTACH or proc.pname=x", 0 },
		{ "fd.sip!=1.2.3.4", SOCKET },
		{ "evt.type=openat", 0 },
	};
	struct room r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t dims = 0;

		room_where(&r, cases[i].where);
		for (int d = DIM_CALL + 1; d < DIM_PATH; d++)
			dims |= told.dim[d] ? 1u << d : 0;
		if (dims != cases[i].dims)
			fail_msg("%s: %#x", cases[i].where, dims);
		room_close(&r);
	}
}

static void test_values(void **state)
{
	struct room r;

	(void)state;
	room_where(&r, "proc.pid in (5,6) and user.uid=7 and proc.name in (cat,fifteen_bytes_x,"
		       "sixteen_bytes_xy)");
	assert_true(pid_passes(5) && pid_passes(6) && !pid_passes(7));
	assert_true(uid_passes(7) && !uid_passes(5));
	assert_true(comm_passes("cat") && comm_passes("fifteen_bytes_x"));
	assert_false(comm_passes("sixteen_bytes_x")); /* no process can have the longer name */
	assert_true(comm_passes(""));		      /* user space knows the one before */
	/* What is asked for next replaces it. */
	query_free(&r.q);
	assert_int_equal(room_push(&r, &(struct query_opts){ .where = "not proc.pid=9" }), 0);
	assert_true(pid_passes(5) && !pid_passes(9));
	assert_true(uid_passes(5) && comm_passes("x"));
	assert_int_equal(told.dim[DIM_COMM], 0);
	room_close(&r);
}

static bool call_passes(unsigned nr, long ret, uint64_t access)
{
	uint32_t key = nr;
	int at = fake_find(MAP_f_call, &key);
	struct filter_call f;

	assert_true(at >= 0);
	memcpy(&f, maps[MAP_f_call].e[at].value, sizeof(f));
	return f.mask[ret == -EINPROGRESS ? RESULT_IN_PROGRESS :
		      ret < 0		  ? RESULT_FAILED :
		      ret > 2		  ? RESULT_MORE :
					    RESULT_STDIO][f.access == CALL_NO_ARG  ? 0 :
					      f.access == CALL_BY_PEER ? access & 1 :
									 CALL_ACCESS_OF(access)] &
	       1;
}

static void test_calls(void **state)
{
	struct room r;

	(void)state;
	room_where(&r, "evt.type in (open,openat) and evt.is_open_write=true and fd.num>=0");
	assert_true(call_passes(__NR_openat, 3, O_WRONLY) && call_passes(__NR_open, 0, O_RDWR));
	assert_false(call_passes(__NR_openat, 3, O_RDONLY) || call_passes(__NR_open, -2, O_RDWR));
	assert_false(call_passes(__NR_creat, 3, 0) || call_passes(__NR_connect, 0, 0));
	room_close(&r);
	room_where(&r, "evt.is_open_write=true");
	assert_true(call_passes(__NR_creat, 3, 0) && call_passes(__NR_creat, -1, 0));
	room_close(&r);
	room_where(&r, "evt.type=connect and (evt.rawres>=0 or evt.res=EINPROGRESS)");
	assert_true(call_passes(__NR_connect, 0, 0) && call_passes(__NR_connect, -EINPROGRESS, 0));
	assert_false(call_passes(__NR_connect, -ECONNREFUSED, 0));
	room_close(&r);
	room_where(&r, "evt.rawres in (0,1,2)");
	assert_true(call_passes(__NR_openat, 2, 0) && !call_passes(__NR_openat, 3, 0));
	room_close(&r);
	room_where(&r, "evt.res=ENOENT");
	assert_true(call_passes(__NR_openat, -ENOENT, 0) && !call_passes(__NR_openat, 3, 0));
	assert_false(call_passes(__NR_openat, -EINPROGRESS, 0));
	room_close(&r);
	/* Whether the call may create a file. */
	room_where(&r, "evt.type in (openat,creat) and evt.arg.flags contains O_CREAT");
	assert_true(call_passes(__NR_openat, 3, O_CREAT | O_RDWR));
	assert_false(call_passes(__NR_openat, 3, O_RDWR));
	room_close(&r);
	room_where(&r, "evt.is_open_create=true or evt.is_open_exec=true");
	assert_true(call_passes(__NR_open, 3, O_CREAT) && call_passes(__NR_open, 3, O_TMPFILE));
	assert_true(call_passes(__NR_creat, 3, 0));
	assert_false(call_passes(__NR_open, 3, O_DIRECTORY));
	room_close(&r);
	room_where(&r, "not evt.arg.flags contains O_CREAT and evt.is_open_write=true");
	assert_true(call_passes(__NR_open, 3, O_CREAT | O_WRONLY));
	assert_true(call_passes(__NR_open, 3, O_WRONLY));
	room_close(&r);
	/* Of calls that name a peer the last argument says whether it is a new one. */
	room_where(&r, "evt.type=connect or (evt.type in (sendto,sendmsg) and fd.name_changed=true)");
	assert_true(call_passes(__NR_connect, 0, 0) && call_passes(__NR_connect, 0, 1));
	assert_true(call_passes(__NR_sendto, 5, 1) && call_passes(__NR_sendmsg, 5, 1));
	assert_false(call_passes(__NR_sendto, 5, 0) || call_passes(__NR_sendmsg, 5, 0));
	room_close(&r);
	room_where(&r, "evt.type=sendto and not fd.name_changed=true");
	assert_true(call_passes(__NR_sendto, 5, 1) && call_passes(__NR_sendto, 5, 0));
	room_close(&r);
	room_where(&r, "evt.failed=false and fd.type=file");
	assert_true(call_passes(__NR_unlink, 0, 0) && !call_passes(__NR_unlink, -1, 0));
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
	assert_int_equal(told.dim[DIM_PID], 1);
	assert_true(pid_passes(10) && pid_passes(11) && pid_passes(12));
	assert_false(pid_passes(13) || pid_passes(1));
	room_close(&r);
}

#define ID_A "4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978"
#define ID_B "9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddccbbaa998877665544"

/* What a runtime's files say of a container: its name. */
static void container_put(struct stream *s, const char *id, const char *text)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct container_name name = { 0 };

	stream_text(name.name, text, sizeof(name.name) - 1);
	container_record(&b, str_of(id), &name);
	stream_header(s, REC_CONTAINER, sizeof(s->r.blob), 0);
	s->r.blob.blob = stream_tail(s, b.p, b.n);
	stream_put(s);
}

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
	assert_int_equal(told.dim[DIM_CGROUP], 1);
	assert_int_equal(verdict(20), 1);
	/* That may still be its name; and then it is not. */
	assert_int_equal(verdict(21), 1);
	container_put(&r.s, ID_B, "web");
	assert_int_equal(pushdown_cgroups(&r.p), 0);
	assert_int_equal(verdict(20), 1);
	assert_int_equal(verdict(21), 0);
	query_free(&r.q);
	assert_int_equal(room_push(&r, &(struct query_opts){ .where = "container.id=4fe1c8a09b7d" }),
			 0);
	assert_int_equal(told.dim[DIM_CGROUP], 1);
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
	assert_int_equal(told.dim[DIM_PID] | told.dim[DIM_CGROUP] | told.dim[DIM_CALL], 0);
	assert_int_equal(told.wanted, KIND_BIT(KIND_OPEN));
	assert_int_equal(told.clauses[KIND_OPEN], UINT64_MAX);
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
	assert_int_equal(told.dim[DIM_PID] | told.dim[DIM_CALL], 0);
	assert_int_equal(told.clauses[KIND_OPEN], UINT64_MAX);
	room_close(&r);
}

static uint16_t path_step(uint16_t state, uint8_t class, uint64_t *hit, uint64_t *deny)
{
	state = path_table.next[state][class];
	if (state & FILTER_PATH_HIT) {
		state &= FILTER_PATH_STATES - 1;
		*hit |= path_table.out[state].hit;
		*deny |= path_table.out[state].deny;
	}
	return state;
}

/* As src/bpf/path_filter.h, of an absolute and normal path. */
static uint64_t path_mask(struct str path)
{
	uint64_t hit = 0, deny = 0;
	uint16_t state = FILTER_PATH_BEGIN;
	bool cut = false;

	for (size_t i = path.n; i > 0; i--) {
		uint8_t c = (uint8_t)path.p[i - 1];
		bool first = c == '/' && !cut;

		state = path_step(state, first ? path_table.cut : path_table.class[c], &hit, &deny);
		cut |= first;
	}
	path_step(state, FILTER_PATH_STOP, &hit, &deny);
	return (told.other[DIM_PATH] | hit) & ~deny;
}

/* As src/bpf/filter.h and syscall.bpf.c judge, from the maps. */
static bool kernel_passes(const struct event *ev)
{
	const struct rec_syscall *rec = ev->body;
	const struct proc *p = ev->proc;
	uint64_t m = told.clauses[ev->kind->id];
	uint32_t nr = rec->nr;
	char comm[16] = { 0 };
	struct filter_call f;

	memcpy(comm, p->comm, sizeof(comm));
	if (m & told.dim[DIM_CALL]) {
		memcpy(&f, maps[MAP_f_call].e[fake_find(MAP_f_call, &nr)].value, sizeof(f));
		m &= f.mask[rec->ret < 0 ? RESULT_FAILED :
			    rec->ret > 2 ? RESULT_MORE :
					   RESULT_STDIO]
			   [f.access == CALL_NO_ARG  ? 0 :
			    f.access == CALL_BY_PEER ? (rec->info & SYS_PEER_NEW) != 0 :
						       CALL_ACCESS_OF(rec->args[f.access])];
	}
	if (m & told.dim[DIM_PID])
		m &= mask_of(MAP_f_pid, &p->pid, told.other[DIM_PID]);
	if (m & told.dim[DIM_UID])
		m &= mask_of(MAP_f_uid, &p->euid, told.other[DIM_UID]);
	if (m & told.dim[DIM_CGROUP])
		m &= mask_of(MAP_f_cgroup, &p->cgroup->id, UINT64_MAX);
	if (m & told.dim[DIM_COMM])
		m &= mask_of(MAP_f_comm, comm, told.other[DIM_COMM]);
	if (m & told.dim[DIM_PATH])
		m &= path_mask(ev->fd.name);
	return m;
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
	"evt.type=open and evt.is_open_write=true",
	"evt.is_open_read=true and fd.num>=0 and not proc.name in (sh,x)",
	"evt.type in (openat,openat2) and evt.failed=true or user.uid=7",
	"not evt.type=creat and evt.rawres<0",
	"evt.rawres in (-2,5) and proc.name!=cat",
	"evt.kind=open and not evt.is_open_write=true",
	"evt.type=connect or fd.type=file and evt.res=SUCCESS and user.uid!=7",
	"fd.directory=/etc and not fd.name in (/etc/passwd)",
	"fd.directory=/ or fd.filename in (shadow,x)",
	"fd.name endswith d and not fd.directory in (/etc,/)",
	"fd.name contains c/s or fd.name glob '/a*'",
};
#define WHERES (sizeof(wheres) / sizeof(wheres[0]))

static const struct {
	uint32_t pid, uid;
	const char *comm;
	uint64_t cgroup;
} procs[] = { { 10, 0, "sh", 1 },   { 11, 7, "cat", 20 }, { 12, 7, "sh", 21 },
	      { 13, 1, "cat", 22 }, { 14, 0, "x", 99 },	  { 15, 2, "sh", 20 } };
static const char *const paths[] = { "/etc/passwd", "/etc/shadow",   "/a", "/ab", "/",
				     "/etc",	    "/x/y/../passwd" };
static const struct {
	uint16_t nr;
	uint8_t path, flags; /* arguments */
} calls[] = { { __NR_open, 0, 1 }, { __NR_openat, 1, 2 }, { __NR_creat, 0, 5 }, { __NR_openat2, 1, 5 } };
static const int64_t rets[] = { 0, 5, -2, -13 };
#define PROCS (sizeof(procs) / sizeof(procs[0]))
#define PATHS (sizeof(paths) / sizeof(paths[0]))
#define CALLS (sizeof(calls) / sizeof(calls[0]))
#define RETS  (sizeof(rets) / sizeof(rets[0]))
#define WAYS  (PROCS * PATHS * CALLS * RETS * 3)

struct way {
	union {
		struct rec_syscall rec;
		char bytes[sizeof(struct rec_syscall) + 64];
	};
	struct proc proc;
	struct program program;
	struct event ev;
};

/* Event number @i of all there are. */
static void way_make(struct room *r, size_t i, struct way *w)
{
	struct decode_stats st = { 0 };
	size_t n;

	memset(w, 0, sizeof(*w));
	w->proc = (struct proc){ .pid = procs[i % PROCS].pid,
				 .euid = procs[i % PROCS].uid,
				 .start.ns = 1,
				 .program = &w->program,
				 .cgroup = cgroup_get(enrich_cgroups(r->s.p.enrich),
						      procs[i % PROCS].cgroup) };
	stream_text(w->proc.comm, procs[i % PROCS].comm, 15);
	i /= PROCS;
	n = strlen(paths[i % PATHS]);
	memcpy(w->rec.tail, paths[i % PATHS], n);
	w->rec.piece[SYS_PATH0] = (struct rec_str){ sizeof(w->rec), (uint16_t)n };
	w->rec.hdr = (struct rec_hdr){ .len = (uint32_t)(sizeof(w->rec) + n), .type = REC_SYSCALL };
	i /= PATHS;
	w->rec.nr = calls[i % CALLS].nr;
	w->rec.args[calls[i % CALLS].flags] = i / CALLS % 3;
	w->rec.ret = rets[i / CALLS / 3 % RETS];
	assert_int_equal(decode_record(&w->rec.hdr, &r->s.p.host, &r->s.p.arena, &st, &w->ev), 1);
	w->ev.proc = &w->proc;
}

static void room_cgroups(struct room *r)
{
	room_open(r);
	stream_cgroup(&r->s, 1, "/");
	stream_cgroup(&r->s, 20, "/docker/" ID_A);
	stream_cgroup(&r->s, 21, "/docker/" ID_B);
	stream_cgroup(&r->s, 22, "/system.slice/nginx.service");
}

/* Every condition, with every process, call, result and path: what matches has passed. */
static void test_nothing_held_back(void **state)
{
	size_t matched = 0, held = 0;

	(void)state;
	for (size_t w = 0; w < WHERES; w++) {
		struct way way;
		struct room r;

		room_cgroups(&r);
		assert_int_equal(room_push(&r, &(struct query_opts){ .where = wheres[w] }), 0);
		for (size_t i = 0; i < WAYS; i++) {
			bool match, passes;

			way_make(&r, i, &way);
			match = expr_match(r.q.where, &way.ev);
			passes = kernel_passes(&way.ev);
			matched += match;
			held += !match && !passes;
			if (match && !passes)
				fail_msg("%s: %zu %.*s is held back", wheres[w], i,
					 STR_ARG(way.ev.fd.name));
			arena_reset(&r.s.p.arena);
		}
		room_close(&r);
	}
	assert_true(matched > 10000 && held > 10000); /* it was about something */
}

/* All conditions at once, as often as makes @times of them: they share the bits there are. */
static void many_at_once(size_t times, size_t *ret_held)
{
	struct pushdown_clause list[WHERES * 8];
	struct query q[WHERES];
	struct buf why = { 0 };
	struct way way;
	struct room r;

	room_cgroups(&r);
	for (size_t i = 0; i < WHERES; i++)
		assert_int_equal(query_make(&(struct query_opts){ .where = wheres[i] }, &q[i], &why),
				 0);
	for (size_t i = 0; i < WHERES * times; i++)
		list[i] = pushdown_of_query(&q[i % WHERES]);
	assert_int_equal(pushdown_set(&r.p, KINDS_ALL, 0, list, WHERES * times), 0);
	for (size_t i = 0; i < WAYS; i++) {
		bool any = false;

		way_make(&r, i, &way);
		for (size_t w = 0; w < WHERES; w++)
			any |= expr_match(q[w].where, &way.ev);
		if (any)
			assert_true(kernel_passes(&way.ev));
		else
			*ret_held += !kernel_passes(&way.ev);
		arena_reset(&r.s.p.arena);
	}
	for (size_t i = 0; i < WHERES; i++)
		query_free(&q[i]);
	room_close(&r);
}

static void test_many(void **state)
{
	size_t held = 0;

	(void)state;
	many_at_once(1, &held);
	many_at_once(2, &held);
	many_at_once(8, &held);
}

/* Kinds that only one of two wants, or nobody's clause names. */
static void test_kinds(void **state)
{
	struct query a, b;
	struct buf why = { 0 };
	struct room r;

	(void)state;
	room_open(&r);
	assert_int_equal(query_make(&(struct query_opts){ .kinds = "open,exec" }, &a, &why), 0);
	assert_int_equal(query_make(&(struct query_opts){ .where = "evt.kind=delete" }, &b, &why), 0);
	assert_int_equal(
		pushdown_set(
			&r.p, KIND_BIT(KIND_OPEN) | KIND_BIT(KIND_DELETE) | KIND_BIT(KIND_TCP), 0,
			(struct pushdown_clause[]){ pushdown_of_query(&a), pushdown_of_query(&b) }, 2),
		0);
	assert_int_equal(told.clauses[KIND_OPEN], 1);
	assert_int_equal(told.clauses[KIND_DELETE], 2);
	assert_int_equal(told.clauses[KIND_TCP], FILTER_ALL);
	assert_int_equal(told.clauses[KIND_UDP], 0);
	query_free(&a);
	query_free(&b);
	room_close(&r);
}

static bool path_passes(const char *path)
{
	return told.clauses[KIND_OPEN] & path_mask(str_of(path));
}

static void test_paths(void **state)
{
	static const struct {
		const char *where;
		const char *yes[4], *no[4];
	} cases[] = {
		{ "fd.name=/a/b", { "/a/b" }, { "/a/bc", "/a", "/x/a/b" } },
		{ "fd.name in (/a,/b)", { "/a", "/b" }, { "/c", "/ab" } },
		{ "fd.name startswith /etc", { "/etc/x", "/etc", "/etcetera" }, { "/x/etc" } },
		{ "fd.name endswith .so", { "/x.so" }, { "/x.so.1" } },
		{ "fd.name contains ssh", { "/a/.ssh/b", "/ssh" }, { "/s/sh" } },
		{ "fd.name glob '/home/*/.ssh/*'", { "/home/me/.ssh/id" }, { "/root/.ssh/id" } },
		{ "fd.directory=/etc", { "/etc/x" }, { "/etc/x/y", "/etc", "/x" } },
		{ "fd.directory=/", { "/x", "/" }, { "/x/y" } },
		{ "fd.directory startswith /e", { "/etc/x", "/e/x" }, { "/x/e/y" } },
		{ "fd.directory endswith bin", { "/usr/bin/x" }, { "/x/bing/y", "/bin" } },
		{ "fd.filename=passwd", { "/etc/passwd", "/passwd" }, { "/xpasswd", "/passwd/x" } },
		{ "fd.filename startswith .", { "/x/.y" }, { "/x.y" } },
		{ "fd.directory=/dev and not fd.name in (/dev/null,/dev/tty)",
		  { "/dev/sda", "/dev/nullx" },
		  { "/dev/null", "/dev/tty", "/x" } },
		{ "fd.name startswith /a and fd.name endswith z or fd.name=/b",
		  { "/b", "/az" },
		  { "/c" } },
		{ "fd.name startswith /etc and fd.name != /etc/hosts", { "/etc/x" }, { "/etc/hosts" } },
		{ "fd.name=/a or proc.name=x", { "/a", "/b" }, { NULL } },
		{ "evt.type=connect or fd.name=/a", { "/a" }, { "/b" } },
		{ "not fd.name=/a", { "/b" }, { NULL } },
	};
	struct room r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		room_where(&r, cases[i].where);
		for (size_t n = 0; n < 4; n++) {
			if (cases[i].yes[n] && !path_passes(cases[i].yes[n]))
				fail_msg("%s: %s does not pass", cases[i].where, cases[i].yes[n]);
			if (cases[i].no[n] && path_passes(cases[i].no[n]))
				fail_msg("%s: %s passes", cases[i].where, cases[i].no[n]);
		}
		room_close(&r);
	}
}

/* More text than the table holds: patterns are cut, and find more. */
static void test_paths_long(void **state)
{
	char where[30000] = "fd.name in (/a", path[128];
	size_t n = strlen(where);
	struct room r;

	(void)state;
	for (int i = 0; i < 250; i++)
		n += (size_t)snprintf(where + n, sizeof(where) - n, ",/%0100d/%d", i * 7, i);
	snprintf(where + n, sizeof(where) - n, ")");
	room_where(&r, where);
	assert_int_equal(told.dim[DIM_PATH], 1);
	snprintf(path, sizeof(path), "/%0100d/%d", 249 * 7, 249);
	assert_true(path_passes(path) && path_passes("/a"));
	assert_false(path_passes("/b"));
	room_close(&r);
}

static void test_describe(void **state)
{
	struct buf b = { 0 };
	struct room r;

	(void)state;
	room_where(&r, "proc.pid=5 and container.id=x");
	pushdown_describe(&r.p, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "calls, processes, cgroups");
	buf_free(&b);
	room_close(&r);
}

static void test_explain(void **state)
{
	static const struct {
		const char *where, *text;
	} cases[] = {
		{ "evt.type in (open,openat) and evt.is_open_write=true and fd.num>=0 and "
		  "fd.directory in (/etc,/dev) and not proc.name in (sh,cat) and not user.uid=7",
		  "kinds: open\ncall: open, successful, to write or to read and write\n"
		  "call: openat, successful, to write or to read and write\nusers: not 7\n"
		  "command names: not sh, cat\npaths: fd.directory = /etc, fd.directory = /dev\n" },
		{ "evt.type=connect and evt.res=EINPROGRESS and fd.type in (ipv4,ipv6) and "
		  "container.id!=host and proc.pid=5",
		  "kinds: connect\ncall: connect, EINPROGRESS\nprocesses: only 5\n"
		  "cgroups: by container and pod\nsockets: ipv4, ipv6\n" },
		{ "evt.type=execve and proc.name=x", "kinds: exec (always all)\n" },
		{ "evt.type=openat and evt.arg.flags contains O_CREAT",
		  "kinds: open\ncall: openat, any result, that may create\n" },
		{ "evt.type=ptrace and evt.arg.request in (PTRACE_ATTACH,PTRACE_SEIZE)",
		  "kinds: ptrace\ncall: ptrace, any result, with PTRACE_ATTACH or PTRACE_SEIZE\n" },
		{ "evt.type=bpf and not evt.arg.cmd=BPF_PROG_LOAD",
		  "kinds: bpf\ncall: bpf, any result, without BPF_PROG_LOAD\n" },
		{ "evt.type=connect and evt.rawres=0 and fd.sip in (10.0.0.0/8,1.1.1.1) and "
		  "fd.sport in (22,53)",
		  "kinds: connect\ncall: connect, 0 to 2\nsockets: ipv4, ipv6\n"
		  "connections with: fd.sip = 10.0.0.0/8, fd.sip = 1.1.1.1\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = { 0 }, why = { 0 };
		struct pushdown_clause c;
		struct query q;

		assert_int_equal(
			query_make(&(struct query_opts){ .where = cases[i].where }, &q, &why), 0);
		c = pushdown_of_query(&q);
		pushdown_explain(&c, &b);
		buf_char(&b, '\0');
		assert_string_equal(b.p, cases[i].text);
		query_free(&q);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),	  cmocka_unit_test(test_values),
		cmocka_unit_test(test_calls),	  cmocka_unit_test(test_tree),
		cmocka_unit_test(test_cgroups),	  cmocka_unit_test(test_off),
		cmocka_unit_test(test_put_fails), cmocka_unit_test(test_nothing_held_back),
		cmocka_unit_test(test_many),	  cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_paths),	  cmocka_unit_test(test_paths_long),
		cmocka_unit_test(test_describe),  cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests_name("pushdown", tests, NULL, NULL);
}
