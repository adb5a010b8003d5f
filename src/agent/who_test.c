/* Fields of who did it, and when what they say may be cached: records made by hand. */
#include "agent/stream_test.h"

#include "agent/catalogue.h"
#include "base/cleanup.h"
#include "enrich/cluster.h"
#include "enrich/container_name.h"
#include "lang/format.h"

#define ID	  "e58a24d4a722c99712cff74ef69d93311089584eb32617b3890e0dcb996133f1"
#define CONTAINER "/kubepods/besteffort/pod7fda01c4-0ece-403d-88b4-c371d66d132a/" ID

struct shown {
	struct stream s;
	struct subscription sub;
	struct format *format;
	struct buf text; /* of the last event */
	uint64_t gen;	 /* subject_gen of its process */
};

static void shown_event(void *ctx, const struct event *ev)
{
	struct shown *sh = ctx;

	buf_reset(&sh->text);
	format_print(sh->format, ev, &sh->text);
	buf_char(&sh->text, '\0');
	sh->gen = subject_gen(ev->proc);
}

static void shown_open(struct shown *sh, const char *format)
{
	memset(sh, 0, sizeof(*sh));
	stream_open(&sh->s);
	assert_int_equal(format_parse(catalogue_get(), str_of(format), &sh->format, NULL), 0);
	sh->sub = (struct subscription){ .kinds = KINDS_ALL, .event = shown_event, .ctx = sh };
	pipeline_subscribe(&sh->s.p, &sh->sub);
}

static void shown_close(struct shown *sh)
{
	format_free(sh->format);
	buf_free(&sh->text);
	stream_close(&sh->s);
}

/* An exit of a process that stays in the table: shows what is known without changing it. */
static const char *show(struct shown *sh, uint32_t pid)
{
	stream_header(&sh->s, REC_FORK, sizeof(sh->s.r.fork), pid);
	sh->s.r.fork.child = stream_task(pid + 1000, pid, "kid");
	stream_put(&sh->s);
	return sh->text.p;
}

static void container_put(struct stream *s, const struct container_name *name)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	container_record(&b, STR(ID), name);
	stream_header(s, REC_CONTAINER, sizeof(s->r.blob), 0);
	s->r.blob.blob = stream_tail(s, b.p, b.n);
	stream_put(s);
}

static void test_image(void **state)
{
	static const char *const rows[][2] = {
		{ "docker.io/library/nginx:1.25", "docker.io/library/nginx 1.25 <NA>" },
		{ "localhost:5000/nginx", "localhost:5000/nginx latest <NA>" },
		{ "localhost:5000/a/b:c", "localhost:5000/a/b c <NA>" },
		{ "redis", "redis latest <NA>" },
		{ "a/b@sha256:12", "a/b <NA> sha256:12" },
		{ "a:5/b:t@sha256:12", "a:5/b t sha256:12" },
		{ "sha256:12", "<NA> <NA> sha256:12" },
		{ "a:", "a latest <NA>" },
		{ ":t", "<NA> t <NA>" },
		{ "@", "<NA> <NA> " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct container_name name = { 0 };
		struct shown sh;

		shown_open(&sh,
			   "%container.image.repository %container.image.tag %container.image.digest");
		stream_text(name.image, rows[i][0], sizeof(name.image) - 1);
		stream_cgroup(&sh.s, 1, CONTAINER);
		container_put(&sh.s, &name);
		assert_string_equal(show(&sh, 5), rows[i][1]);
		shown_close(&sh);
	}
}

static void test_container(void **state)
{
	struct container_name name = { .name = "web",
				       .privileged = SAID_YES,
				       .ip = "10.0.0.7",
				       .image_id = "sha256:9",
				       .mounts = "/etc:/e::false:private\0/srv:/data:z:true:",
				       .mounts_n = 42 };
	struct shown sh;

	(void)state;
	shown_open(&sh,
		   "%container.name %container.privileged %container.mounts %container.ip "
		   "%container.image.id %container.mount[1] %container.mount[2] "
		   "%container.mount.dest[/sr*] %container.mount.source[/e] %container.mount.mode[1]");
	stream_cgroup(&sh.s, 1, CONTAINER);
	assert_string_equal(show(&sh, 5), "<NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA>");
	container_put(&sh.s, &name);
	assert_string_equal(show(&sh, 5), "web true /etc:/e::false:private,/srv:/data:z:true: 10.0.0.7 "
					  "sha256:9 /srv:/data:z:true: <NA> /data /etc z");
	shown_close(&sh);
	shown_open(&sh, "%container.id %container.name %container.type %container.image.repository "
			"%container.privileged");
	stream_cgroup(&sh.s, 1, "/system.slice/cron.service");
	assert_string_equal(show(&sh, 5), "host host host <NA> <NA>");
	shown_close(&sh);
}

/* Captures from before the facts: seven strings. */
static void test_container_old(void **state)
{
	static const char blob[] = "\x40\0" ID "\x03\0web\x07\0nginx:1\0\0\0\0\0\0\0\0";
	struct shown sh;

	(void)state;
	for (size_t cut = 0; cut < 3; cut++) {
		shown_open(&sh, "%container.name %container.image.tag %container.privileged "
				"%container.mounts");
		stream_cgroup(&sh.s, 1, CONTAINER);
		stream_header(&sh.s, REC_CONTAINER, sizeof(sh.s.r.blob), 0);
		sh.s.r.blob.blob = stream_tail(&sh.s, blob, sizeof(blob) - 1 - cut);
		stream_put(&sh.s);
		assert_string_equal(show(&sh, 5), cut ? "<NA> <NA> <NA> <NA>" : "web 1 <NA> <NA>");
		shown_close(&sh);
	}
}

static const struct rec_exe upper = { .inode = 77,
				      .ctime_ns = 1000000900,
				      .mtime_ns = 3,
				      .pidns_start_ns = 500,
				      .vpgid = 1,
				      .uid = 5,
				      .gid = 9,
				      .mode = 0644,
				      .flags = EXE_OVERLAY | EXE_UPPER };

#define EXE_FORMAT                                                                                 \
	"%proc.exe_ino %proc.is_exe_upper_layer %proc.is_exe_lower_layer %proc.is_exe_from_memfd " \
	"%proc.is_exe_writable %proc.exe_ino.mtime %proc.exe_ino.ctime_duration_pidns_start "      \
	"%proc.exe_ino.ctime_duration_proc_start %proc.vpgid %proc.args"

static void exec_put(struct stream *s, uint32_t pid, const struct rec_exe *exe)
{
	stream_header(s, REC_EXEC, sizeof(s->r.exec), pid);
	s->r.exec.task = stream_task(pid, 1, "prog");
	if (exe)
		s->r.exec.exe = *exe;
	else
		s->r.hdr.len = offsetof(struct rec_exec, exe);
	/* Longer than what is new, so that length alone does not tell. */
	s->r.exec.piece[EXEC_ARGS] = stream_tail(
		s, "prog\0----------------------------------------------------------------", 70);
	stream_put(s);
}

static void test_exe(void **state)
{
	struct rec_exe memfd = upper;
	struct shown sh;

	(void)state;
	shown_open(&sh, EXE_FORMAT);
	exec_put(&sh.s, 2000, &upper);
	assert_string_equal(sh.text.p,
			    "77 true false false false 3 400 1100 1 "
			    "----------------------------------------------------------------");
	memfd.flags = EXE_MEMFD | EXE_OVERLAY;
	memfd.mode = 0646;
	exec_put(&sh.s, 2000, &memfd);
	assert_memory_equal(sh.text.p, "77 false true true true ", 24);
	memfd.flags |= EXE_RDONLY;
	exec_put(&sh.s, 2000, &memfd);
	assert_memory_equal(sh.text.p, "77 false true true false ", 25);
	memfd = (struct rec_exe){ .uid = 9 }; /* a kernel thread's, say */
	exec_put(&sh.s, 2000, &memfd);
	assert_memory_equal(sh.text.p, "<NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> -", 46);
	exec_put(&sh.s, 2000, NULL);
	assert_string_equal(sh.text.p,
			    "<NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> <NA> "
			    "----------------------------------------------------------------");
	shown_close(&sh);
}

static void lp_put(struct stream *s, enum rec_type type)
{
	bool seen = type == REC_TASK_SEEN;

	stream_header(s, type, seen ? sizeof(s->r.seen) : sizeof(s->r.exit), 9);
	s->r.hdr.uid = 7;
	if (seen) {
		s->r.seen.task = stream_task(9, 1, "x");
		s->r.seen.task.euid = 7;
		s->r.seen.task.egid = 8;
		s->r.seen.task.loginuid = 0;
	}
	stream_put(s);
}

/* Falco's user and group are the effective ones; the header's user is newer than the program's. */
static void test_effective(void **state)
{
	struct shown sh;

	(void)state;
	shown_open(&sh, "%user.uid %user.ruid %user.name %group.gid %group.rgid %thread.vtid");
	stream_users(&sh.s, "0:root\n7:lp\n");
	assert_string_equal(show(&sh, 5), "0 <NA> root <NA> <NA> <NA>");
	lp_put(&sh.s, REC_TASK_SEEN);
	lp_put(&sh.s, REC_EXIT);
	assert_string_equal(sh.text.p, "7 0 lp 8 0 9");
	shown_close(&sh);
}

static void test_accounts(void **state)
{
	struct shown sh;

	(void)state;
	shown_open(&sh, "%user.name %user.homedir %user.shell %group.name %user.loginname");
	stream_users(&sh.s, "0:root\n7:lp\nbad\ng0:wheel\ng7:lp\np0:/root:/bin/sh\np7:\np9:/x:/y\n");
	assert_string_equal(show(&sh, 5),
			    "root /root /bin/sh <NA> <NA>"); /* nothing but its uid is known */
	stream_seen(&sh.s, 5, 1, 0, "one");
	assert_string_equal(show(&sh, 5), "root /root /bin/sh wheel <NA>");
	lp_put(&sh.s, REC_TASK_SEEN);
	lp_put(&sh.s, REC_EXIT);
	assert_string_equal(sh.text.p, "lp <NA> <NA> <NA> root");
	stream_cgroup(&sh.s, 1, CONTAINER); /* the same process turns out to be in a container */
	lp_put(&sh.s, REC_EXIT);
	assert_string_equal(sh.text.p, "<NA> <NA> <NA> <NA> root");
	assert_string_equal(show(&sh, 5), "root /root /bin/sh wheel <NA>");
	/* The container's own names. */
	stream_users(&sh.s, "c" ID "\n0:admin\n7:printer\ng8:eight\np7:/lp:/bin/ash\n");
	lp_put(&sh.s, REC_EXIT);
	assert_string_equal(sh.text.p, "printer /lp /bin/ash eight root");
	assert_string_equal(show(&sh, 5), "admin <NA> <NA> <NA> <NA>");
	stream_users(&sh.s, "0:root\n7:lp\n"); /* the node's change nothing there */
	stream_users(&sh.s, "cnosuch\n7:other\n");
	stream_users(&sh.s, "c" ID);
	lp_put(&sh.s, REC_EXIT);
	assert_string_equal(sh.text.p, "printer /lp /bin/ash eight root");
	shown_close(&sh);
}

static void seen_put(struct stream *s, uint32_t pid, uint32_t ppid, uint32_t sid, const char *comm,
		     const char *env)
{
	stream_header(s, REC_TASK_SEEN, sizeof(s->r.seen), pid);
	s->r.seen.task = stream_task(pid, ppid, comm);
	s->r.seen.task.sid = s->r.seen.task.pgid = sid;
	s->r.seen.piece[EXEC_ARGS] = stream_tail(s, comm, strlen(comm) + 1);
	if (env)
		s->r.seen.piece[EXEC_ENV] = stream_tail(s, env, strlen(env) + 1);
	stream_put(s);
}

static void test_sessions(void **state)
{
	struct shown sh;

	(void)state;
	shown_open(&sh, "%proc.sname %proc.sid.exe %proc.is_sid_leader %proc.is_vpgid_leader "
			"%proc.pvpid %proc.aenv[A] %proc.aenv[3] %proc.env[A] %proc.cmdnargs");
	seen_put(&sh.s, 2, 1, 2, "login", "A=1");
	seen_put(&sh.s, 3, 2, 2, "sh", NULL);
	seen_put(&sh.s, 4, 3, 2, "ls", "B=2");
	seen_put(&sh.s, 5, 4, 99, "far", NULL); /* the leader is not known */
	assert_string_equal(show(&sh, 4), "login login false false 3 1 <NA> <NA> 0");
	assert_string_equal(show(&sh, 2), "login login true true <NA> <NA> <NA> 1 0");
	assert_string_equal(show(&sh, 5), "far far false false 4 1 A=1 <NA> 0");
	shown_close(&sh);
}

/* What may change what a subject's fields say changes the generation. */
static void test_generation(void **state)
{
	struct container_name name = { .name = "web" };
	struct shown sh;
	uint64_t last = 0;

	(void)state;
#define CHANGED(change)                          \
	do {                                     \
		change;                          \
		show(&sh, 5);                    \
		if (sh.gen <= last)              \
			fail_msg("%s", #change); \
		last = sh.gen;                   \
	} while (0)
	shown_open(&sh, "%proc.name");
	CHANGED(stream_seen(&sh.s, 5, 1, 0, "one"));
	CHANGED(stream_exec(&sh.s, 5, 1, "two"));
	CHANGED(stream_users(&sh.s, "0:root\n"));
	CHANGED(stream_users(&sh.s, "0:toor\n"));
	CHANGED(stream_cgroup(&sh.s, 1, CONTAINER));
	CHANGED(container_put(&sh.s, &name));
	name.privileged = SAID_YES;
	CHANGED(container_put(&sh.s, &name));
	name.mounts_n = 1;
	CHANGED(container_put(&sh.s, &name));
	stream_text(name.ip, "10.0.0.1", 9);
	CHANGED(container_put(&sh.s, &name));
	stream_text(name.image, "a/b:c", 6);
	CHANGED(container_put(&sh.s, &name));
	CHANGED(stream_users(&sh.s, "c" ID "\n0:root\n"));
	container_put(&sh.s, &name); /* nothing new */
	show(&sh, 5);
	assert_int_equal(sh.gen, last);
	/* To a cgroup that nothing is known of: the old one's part of the sum goes. */
	stream_header(&sh.s, REC_EXIT, sizeof(sh.s.r.exit), 5);
	sh.s.r.hdr.cgroup = 2;
	stream_put(&sh.s);
	assert_true(sh.gen > last);
	shown_close(&sh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image),	      cmocka_unit_test(test_container),
		cmocka_unit_test(test_container_old), cmocka_unit_test(test_exe),
		cmocka_unit_test(test_accounts),      cmocka_unit_test(test_effective),
		cmocka_unit_test(test_sessions),      cmocka_unit_test(test_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
