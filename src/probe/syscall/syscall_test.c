/*
 * The table of calls, its decoder and its rendering: records made here, by the name of the call, go
 * through the decoder; what evt.args says of them is what sysdig says of the same call (its event and
 * flag tables: falcosecurity/libs, driver/event_table.c and flags_table.c).
 */
#include "probe/syscall/syscall.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "event/errno.h"
#include "event/fd.h"
#include "event/port.h"
#include "probe/decode_test.h"
#include "probe/syscall/table.h"

#define CWD ((uint64_t)-100)

struct given {
	const char *call;
	uint64_t args[SYS_ARGS];
	int64_t ret;
	const char *path[2]; /* NULL: none */
	const char *file;    /* one name; NULL: no walk of the descriptor */
	uint16_t info;
	struct rec_sock sock;
	struct sockaddr_in addr; /* family 0: none */
	const char *data;
};

static unsigned call_nr(const char *name)
{
	for (size_t i = 0; i < sys_calls_n; i++)
		if (strcmp(sys_calls[i].name, name) == 0)
			return sys_calls[i].nr;
	fail_msg("no call %s", name);
	return 0;
}

static void piece_add(struct decode_room *room, struct rec_syscall *r, unsigned piece,
		      const void *bytes, size_t n)
{
	memcpy(room->bytes + room->n, bytes, n);
	r->piece[piece] = (struct rec_str){ (uint16_t)room->n, (uint16_t)n };
	room->n += n;
}

static void record_make(struct decode_room *room, const struct given *g)
{
	struct rec_syscall r = {
		.hdr = { .type = REC_SYSCALL, .pid = 7, .tid = 7 },
		.ret = g->ret,
		.sock = g->sock,
		.nr = (uint16_t)call_nr(g->call),
		.info = g->info,
	};

	memcpy(r.args, g->args, sizeof(r.args));
	room->n = sizeof(r);
	for (unsigned i = 0; i < 2; i++)
		if (g->path[i])
			piece_add(room, &r, SYS_PATH0 + i, g->path[i], strlen(g->path[i]));
	if (g->path[0] && g->path[0][0] != '/')
		piece_add(room, &r, SYS_BASE0, "work", sizeof("work"));
	if (g->file)
		piece_add(room, &r, SYS_FILE, g->file, strlen(g->file) + 1);
	if (g->addr.sin_family)
		piece_add(room, &r, SYS_ADDR, &g->addr, sizeof(g->addr));
	if (g->data)
		piece_add(room, &r, SYS_DATA, g->data, strlen(g->data));
	memcpy(room->bytes, &r, sizeof(r));
	assert_int_equal(decode_all(room), 0);
}

/* 10.0.0.1:@lport to 10.0.0.2:@rport; 0: that end is not there. */
#define SOCK(proto, st, lp, rp)                        \
	{ .local = { 10, 0, 0, lp ? 1 : 0 },           \
	  .remote = { rp ? 10 : 0, 0, 0, rp ? 2 : 0 }, \
	  .lport = lp,                                 \
	  .rport = rp,                                 \
	  .family = AF_INET,                           \
	  .protocol = proto,                           \
	  .state = st }
#define TCP_UP 1
#define NOT_UP 7
#define ADDR(port)                             \
	{ .sin_family = AF_INET,               \
	  .sin_port = __builtin_bswap16(port), \
	  .sin_addr.s_addr = __builtin_bswap32(0x08080808) }

/* clang-format off */
static const struct {
	struct given g;
	const char *args;
} rendered[] = {
	{ { "open", { 0, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640 }, 3, { "/etc/x" } },
	  "fd=3(<f>/etc/x) name=/etc/x flags=524866(O_TRUNC|O_CREAT|O_RDWR|O_CLOEXEC) mode=0640" },
	{ { "open", { 0, O_RDONLY, 0777 }, -2, { "/etc/x" } },
	  "fd=-2(ENOENT) name=/etc/x flags=0(O_RDONLY) mode=0" },
	{ { "openat", { CWD, 0, O_WRONLY | O_CREAT, 0755 }, 4, { "a/../b" }, .info = SYS_CREATED },
	  "fd=4(<f>/work/b) dirfd=-100(AT_FDCWD) name=a/../b(/work/b) "
	  "flags=65(O_CREAT|O_WRONLY|O_F_CREATED) mode=0755" },
	{ { "openat", { 5, 0, O_RDONLY | O_DIRECTORY }, 4, { "/etc" } },
	  "fd=4(<d>/etc) dirfd=5 name=/etc flags=65536(O_DIRECTORY|O_RDONLY) mode=0" },
	{ { "openat2", { CWD, 0, O_RDWR, 0, 4 }, 4, { "/x" }, .info = SYS_HOW_READ },
	  "fd=4(<f>/x) dirfd=-100(AT_FDCWD) name=/x flags=2(O_RDWR) mode=0 "
	  "resolve=4(RESOLVE_NO_SYMLINKS)" },
	{ { "openat2", { CWD, 0, 0x7ffe0000, 24 }, 4, { "/x" } }, /* an older capture */
	  "fd=4(<f>/x) dirfd=-100(AT_FDCWD) name=/x flags=<NA> mode=<NA> resolve=<NA>" },
	{ { "open_by_handle_at", { 3, 0, O_RDONLY }, 4, .file = "shadow", .info = S_IFREG },
	  "fd=4(<f>/shadow) mountfd=3 flags=0(O_RDONLY)" },
	{ { "creat", { 0, 0700 }, 3, { "/dev/x" } }, "fd=3(<f>/dev/x) name=/dev/x mode=0700" },
	{ { "mkdir", { 0, 0750 }, 0, { "/a" } }, "res=0 path=/a mode=0750" },
	{ { "mkdirat", { CWD, 0, 0 }, 0, { "/a" } }, "res=0 dirfd=-100(AT_FDCWD) path=/a mode=0" },
	{ { "mknod", { 0, S_IFCHR | 0600, 0x103 }, 0, { "/a" } },
	  "res=0 path=/a mode=020600(S_IWUSR|S_IRUSR|S_IFCHR) dev=0x103" },
	{ { "symlink", { 0 }, 0, { "../to", "/a" } }, "res=0 target=../to linkpath=/a" },
	{ { "unlinkat", { CWD, 0, 0x200 }, 0, { "/a" } },
	  "res=0 dirfd=-100(AT_FDCWD) name=/a flags=512(AT_REMOVEDIR)" },
	{ { "rename", { 0 }, -13, { "/a", "/b" } }, "res=-13(EACCES) oldpath=/a newpath=/b" },
	{ { "renameat2", { CWD, 0, CWD, 0, 3 }, 0, { "/a", "/b" } },
	  "res=0 olddirfd=-100(AT_FDCWD) oldpath=/a newdirfd=-100(AT_FDCWD) newpath=/b "
	  "flags=3(RENAME_NOREPLACE|RENAME_EXCHANGE)" },
	{ { "linkat", { CWD, 0, CWD, 0, 0x400 }, 0, { "/a", "/b" } },
	  "res=0 olddir=-100(AT_FDCWD) oldpath=/a newdir=-100(AT_FDCWD) newpath=/b "
	  "flags=1024(AT_SYMLINK_FOLLOW)" },
	{ { "chmod", { 0, 06751 }, 0, { "/a" } },
	  "res=0 filename=/a mode=06751(S_IXOTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISGID|S_ISUID)" },
	{ { "fchmod", { 4, 0 }, 0, .file = "a", .info = S_IFREG }, "res=0 fd=4(<f>/a) mode=0" },
	{ { "chown", { 0, 33, (uint32_t)-1 }, 0, { "/a" } }, "res=0 path=/a uid=33 gid=-1" },
	{ { "mount", { 0, 0, 0, 4096 | 1 }, 0, { "/dev/sda", "/mnt" } },
	  "res=0 dev=/dev/sda dir=/mnt flags=4097(RDONLY|BIND)" },
	{ { "umount2", { 0, 2 }, 0, { "/mnt" } }, "res=0 name=/mnt flags=2(DETACH)" },
	{ { "socket", { AF_PACKET, SOCK_RAW, 768 }, 3, .sock = { .family = AF_PACKET } },
	  "fd=3(<o>) domain=17(AF_PACKET) type=3 proto=768" },
	{ { "socket", { AF_UNIX, SOCK_STREAM, 0 }, -24 },
	  "fd=-24(EMFILE) domain=1(AF_LOCAL|AF_UNIX) type=1 proto=0" },
	{ { "socket", { AF_NETLINK, SOCK_RAW, 0 }, 3, .sock = { .family = AF_NETLINK } },
	  "fd=3(<n>) domain=16(AF_ROUTE|AF_NETLINK) type=3 proto=0" },
	{ { "connect", { 3 }, 0, .sock = SOCK(6, TCP_UP, 40000, 80), .addr = ADDR(80) },
	  "res=0 fd=3(<4t>10.0.0.1:40000->10.0.0.2:80) addr=8.8.8.8:80 "
	  "tuple=10.0.0.1:40000->10.0.0.2:80" },
	{ { "accept4", { 3, 0, 0, SOCK_CLOEXEC }, 5, .sock = SOCK(6, TCP_UP, 80, 40000) },
	  "fd=5(<4t>10.0.0.2:40000->10.0.0.1:80) listenfd=3 tuple=10.0.0.2:40000->10.0.0.1:80 "
	  "flags=524288(SOCK_CLOEXEC)" },
	{ { "listen", { 3, 128 }, 0, .sock = SOCK(6, 10, 80, 0) },
	  "res=0 fd=3(<4t>10.0.0.1:80) backlog=128" },
	{ { "sendto", { 3, 0, 30 }, 5, .sock = SOCK(17, NOT_UP, 40000, 0), .addr = ADDR(53),
	    .data = "hello" },
	  "res=5 fd=3(<4u>10.0.0.1:40000->8.8.8.8:53) data=hello size=30 "
	  "tuple=10.0.0.1:40000->8.8.8.8:53" },
	{ { "sendmsg", { 3 }, 5, .sock = SOCK(17, NOT_UP, 40000, 0), .addr = ADDR(53) },
	  "res=5 fd=3(<4u>10.0.0.1:40000->8.8.8.8:53) data=<NA> size=5 "
	  "tuple=10.0.0.1:40000->8.8.8.8:53" },
	{ { "recvfrom", { 3, 0, 99 }, 5, .sock = SOCK(17, NOT_UP, 53, 0), .addr = ADDR(40000) },
	  "res=5 fd=3(<4u>8.8.8.8:40000->10.0.0.1:53) data=<NA> size=99 "
	  "tuple=8.8.8.8:40000->10.0.0.1:53" },
	{ { "recvmsg", { 3 }, -11, .sock = SOCK(6, TCP_UP, 80, 40000) },
	  "res=-11(EAGAIN) fd=3(<4t>10.0.0.2:40000->10.0.0.1:80) data=<NA> size=<NA> "
	  "tuple=10.0.0.2:40000->10.0.0.1:80" },
	{ { "dup", { 3 }, 0, .sock = SOCK(6, TCP_UP, 40000, 4444) },
	  "res=0(<4t>10.0.0.1:40000->10.0.0.2:4444) oldfd=3" },
	{ { "dup2", { 3, 1 }, 1, .file = "null", .info = S_IFCHR }, "res=1(<f>/null) oldfd=3 newfd=1" },
	{ { "dup3", { 3, 1, O_CLOEXEC }, -9 },
	  "res=-9(EBADF) oldfd=3 newfd=1 flags=524288(O_CLOEXEC)" },
	{ { "memfd_create", { 0, 3 }, 4, { "x" }, .file = "memfd:x", .info = S_IFREG },
	  "fd=4(<m>/memfd:x) name=x flags=3(MFD_CLOEXEC|MFD_ALLOW_SEALING)" },
	{ { "userfaultfd", { 1 | O_NONBLOCK }, 4, .file = "[userfaultfd]" },
	  "res=4(<u>[userfaultfd]) flags=2049(O_NONBLOCK|UFFD_USER_MODE_ONLY)" },
	{ { "finit_module", { 3, 0, 3 }, 0, .file = "a.ko", .info = S_IFREG },
	  "res=0 fd=3(<f>/a.ko) flags=3(MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_IGNORE_VERMAGIC)" },
	{ { "delete_module", { 0, O_NONBLOCK }, 0, { "mod" } }, "res=0 name=mod flags=2048(O_NONBLOCK)" },
	{ { "ptrace", { 16, 99 }, 0 }, "res=0 request=16(PTRACE_ATTACH) pid=99 addr=0x0 data=0x0" },
	{ { "ptrace", { 0x4206, 99 }, 0 }, "res=0 request=16902(PTRACE_SEIZE) pid=99 addr=0x0 data=0x0" },
	{ { "ptrace", { 12345, 99 }, -5 }, "res=-5(EIO) request=12345 pid=99 addr=0x0 data=0x0" },
	{ { "setuid", { 0 }, 0 }, "res=0 uid=0" },
	{ { "setresuid", { 1, (uint32_t)-1, 2 }, 0 }, "res=0 ruid=1 euid=-1 suid=2" },
	{ { "setns", { 3, 0x40000000 }, 0, .file = "net", .info = S_IFREG },
	  "res=0 fd=3(<f>/net) nstype=1073741824(CLONE_NEWNET)" },
	{ { "unshare", { 0x10020000 }, 0 }, "res=0 flags=268566528(CLONE_NEWNS|CLONE_NEWUSER)" },
	{ { "bpf", { 5 }, 9 }, "fd=9 cmd=5(BPF_PROG_LOAD)" },
	{ { "bpf", { 999 }, -22 }, "fd=-22(EINVAL) cmd=999" },
};
/* clang-format on */

static void field_is(struct decode_room *r, const char *name, const char *want)
{
	const char *got = decode_field(r, name);

	if (!want) {
		assert_null(got);
		return;
	}
	if (!got)
		fail_msg("%s is absent, not %s", name, want);
	assert_string_equal(got, want);
}

static void test_args(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	for (size_t i = 0; i < sizeof(rendered) / sizeof(rendered[0]); i++) {
		record_make(&r, &rendered[i].g);
		field_is(&r, "evt.args", rendered[i].args);
	}
	decode_close(&r);
}

/* Every row: the kind, a descriptor or not, all fields of all names, every short record refused. */
static void test_every_row(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	for (size_t i = 0; i < sys_calls_n; i++) {
		struct given g = { .call = sys_calls[i].name, .ret = 3 };

		record_make(&r, &g);
		assert_ptr_equal(r.ev.kind, &kind_table[sys_calls[i].kind]);
		assert_true(str_eq(r.ev.type, str_of(sys_calls[i].name)));
		assert_true(probe_syscall.kinds & KIND_BIT(sys_calls[i].kind));
		assert_int_equal(probe_syscall.type_kinds(r.ev.type) & KIND_BIT(sys_calls[i].kind),
				 KIND_BIT(sys_calls[i].kind));
		decode_fields_read(&r);
		decode_short_refused(&r);
	}
	decode_close(&r);
}

static void test_kernel_rows(void **state)
{
	static struct sys_row rows[SYS_ROWS];
	const struct sys_row *row;

	(void)state;
	sys_rows_fill(rows);
	row = &rows[call_nr("sendto")];
	assert_true(row->used && row->fd == 0 && row->data == 1 && row->addr == 4 &&
		    row->msg == ARG_NONE);
	assert_int_equal(row->flags, SYS_PEER);
	row = &rows[call_nr("recvmmsg")];
	assert_true(row->msg == 1 && row->addr == ARG_NONE && row->data == ARG_NONE);
	assert_int_equal(row->flags, SYS_PEER | SYS_MANY);
	row = &rows[call_nr("openat2")];
	assert_true(row->open == 2 && (row->flags & SYS_HOW) && row->path[0] == 1 && row->dir[0] == 0);
	row = &rows[call_nr("creat")];
	assert_true(row->open != ARG_NONE && (row->flags & SYS_CREAT));
	row = &rows[call_nr("dup2")];
	assert_true(row->fd == ARG_RET && row->path[0] == ARG_NONE && row->open == ARG_NONE);
	row = &rows[call_nr("connect")];
	assert_true(row->fd == 0 && row->addr == 1 && (row->flags & SYS_PEER));
}

static void test_opens(void **state)
{
	static const struct {
		struct given g;
		const char *read, *write, *exec, *create;
	} opens[] = {
		{ { "open", { 0, O_RDONLY, 0777 }, 3, { "/x" } }, "true", "false", "false", "false" },
		{ { "open", { 0, O_RDWR }, 3, { "/x" } }, "true", "true", "false", "false" },
		{ { "open", { 0, O_WRONLY | O_CREAT, 0644 }, 3, { "/x" } },
		  "false",
		  "true",
		  "false",
		  "false" },
		{ { "openat", { 0, 0, O_WRONLY | O_CREAT, 0010 }, 3, { "/x" }, .info = SYS_CREATED },
		  "false",
		  "true",
		  "true",
		  "true" },
		{ { "openat", { 0, 0, O_RDWR | O_TMPFILE, 0100 }, 3, { "/x" } },
		  "true",
		  "true",
		  "true",
		  "false" },
		{ { "creat", { 0, 0755 }, 3, { "/x" } }, "false", "true", "true", "false" },
		{ { "openat2", { 0, 0, O_WRONLY | O_CREAT, 01 }, 3, { "/x" }, .info = SYS_HOW_READ },
		  "false",
		  "true",
		  "true",
		  "false" },
		{ { "openat2", { 0, 0, O_WRONLY, 0 }, 3, { "/x" } }, NULL, NULL, NULL, NULL },
		{ { "open_by_handle_at", { 0, 0, O_WRONLY }, 3 }, "false", "true", "false", "false" },
		{ { "chmod", { 0, 0755 }, 0, { "/x" } }, NULL, NULL, NULL, NULL },
	};
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		record_make(&r, &opens[i].g);
		field_is(&r, "evt.is_open_read", opens[i].read);
		field_is(&r, "evt.is_open_write", opens[i].write);
		field_is(&r, "evt.is_open_exec", opens[i].exec);
		field_is(&r, "evt.is_open_create", opens[i].create);
	}
	decode_close(&r);
}

static void test_single_fields(void **state)
{
	const struct given open = { "openat", { CWD, 0, O_WRONLY | O_CREAT, 0755 }, 4, { "b" } };
	const struct given rename = { "rename", { 0 }, 0, { "/a", "/b" } };
	const struct given link = { "link", { 0 }, 0, { "/a", "/b" } };
	const struct given failed = { "unlink", { 0 }, -2, { "/a" } };
	const struct given sent = {
		"sendto", { 3, 0, 4 }, 4, .data = "\xca\xfe\xba\xbe", .sock = SOCK(17, NOT_UP, 1, 0)
	};
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	record_make(&r, &open);
	field_is(&r, "evt.arg.flags", "O_CREAT|O_WRONLY");
	field_is(&r, "evt.arg.dirfd", "AT_FDCWD");
	field_is(&r, "evt.arg.name", "/work/b");
	field_is(&r, "evt.rawarg.name", "b");
	field_is(&r, "evt.rawarg.flags", "65");
	field_is(&r, "evt.rawarg.mode", "493");
	field_is(&r, "evt.rawarg.dirfd", "-100");
	field_is(&r, "evt.arg.path", NULL);
	field_is(&r, "evt.abspath", "/work/b");
	field_is(&r, "fs.path.name", "/work/b");
	field_is(&r, "fs.path.nameraw", "b");
	field_is(&r, "fs.path.source", NULL);
	record_make(&r, &rename);
	field_is(&r, "fs.path.source", "/a");
	field_is(&r, "fs.path.target", "/b");
	field_is(&r, "fs.path.name", NULL);
	field_is(&r, "evt.abspath.src", "/a");
	field_is(&r, "evt.abspath.dst", "/b");
	record_make(&r, &link);
	field_is(&r, "fs.path.source", "/b");
	field_is(&r, "fs.path.target", "/a");
	record_make(&r, &failed);
	field_is(&r, "fs.path.name", NULL);
	field_is(&r, "evt.abspath", "/a");
	field_is(&r, "evt.arg.res", "ENOENT");
	field_is(&r, "evt.rawarg.res", "-2");
	record_make(&r, &sent);
	field_is(&r, "evt.buffer", "\\xca\\xfe\\xba\\xbe");
	decode_close(&r);
}

/* evt.arg[n] counts as sysdig does, the result first. */
static void test_numbered(void **state)
{
	static const char *const want[] = { "<f>/etc/x", "/etc/x", "O_RDONLY", "0" };
	const struct given g = { "open", { 0, O_RDONLY }, 3, { "/etc/x" } };
	struct field_ref ref = { .has_index = true };
	struct decode_room r;
	struct value v;

	(void)state;
	decode_open(&r, &probe_syscall);
	record_make(&r, &g);
	for (const struct field *f = probe_syscall.fields; f->name; f++)
		if (strcmp(f->name, "evt.arg") == 0)
			ref.field = f;
	for (ref.index = 0; ref.index < 4; ref.index++) {
		assert_true(ref.field->get(&r.ev, &ref, 0, &v));
		assert_true(str_eq(v.str, str_of(want[ref.index])));
	}
	assert_false(ref.field->get(&r.ev, &ref, 0, &v));
	ref.key = STR("flags");
	assert_true(ref.field->get(&r.ev, &ref, 0, &v) && str_eq(v.str, STR("O_RDONLY")));
	assert_true(ref.field->has_key(STR("flags")));
	assert_false(ref.field->has_key(STR("flag")));
	decode_close(&r);
}

static void test_descriptors(void **state)
{
	static const struct {
		const char *file;
		uint16_t ifmt;
		enum fd_type type;
	} files[] = {
		{ "x", S_IFREG, FD_FILE },
		{ "x", S_IFDIR, FD_DIR },
		{ "tty", S_IFCHR, FD_FILE },
		{ "", S_IFIFO, FD_PIPE },
		{ "memfd:x", S_IFREG, FD_MEMFD },
		{ "[eventpoll]", 0, FD_EVENTPOLL },
		{ "[eventpoll]", S_IFREG, FD_EVENTPOLL }, /* Linux 6.16 on */
		{ "inotify", 0, FD_INOTIFY },
		{ "inotify", S_IFREG, FD_FILE },
		{ "bpf-map", 0, FD_BPF },
		{ "[io_uring]", 0, FD_IO_URING },
	};
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct given g = { "dup", { 3 }, 5, .file = files[i].file, .info = files[i].ifmt };

		record_make(&r, &g);
		assert_int_equal(r.ev.fd.type, files[i].type);
		assert_int_equal(r.ev.fd.num, 5);
	}
	decode_close(&r);
}

static void test_sockets(void **state)
{
	static const struct {
		struct given g;
		bool connected, changed;
		int is_server;
		uint16_t rport;
	} socks[] = {
		{ { "sendto",
		    { 3 },
		    1,
		    .sock = SOCK(17, NOT_UP, 40000, 0),
		    .addr = ADDR(53),
		    .info = SYS_PEER_NEW },
		  false,
		  true,
		  0,
		  53 },
		{ { "sendto", { 3 }, 1, .sock = SOCK(17, TCP_UP, 40000, 53) }, true, false, 0, 53 },
		{ { "sendto", { 3 }, 1, .sock = SOCK(17, NOT_UP, 53, 0), .addr = ADDR(40000) },
		  false,
		  false,
		  1,
		  40000 },
		{ { "recvfrom", { 3 }, 1, .sock = SOCK(17, NOT_UP, 123, 0), .addr = ADDR(123) },
		  false,
		  false,
		  1,
		  123 },
		{ { "recvmsg", { 3 }, 1, .sock = SOCK(6, TCP_UP, 40000, 443) }, true, false, 0, 443 },
		{ { "connect", { 3 }, -115, .sock = SOCK(6, 2, 40000, 443), .info = SYS_PEER_NEW },
		  false,
		  true,
		  0,
		  443 },
		{ { "dup2", { 3 }, 0, .sock = SOCK(6, 8, 40000, 4444) }, true, false, 0, 4444 },
		{ { "socket", { 3 }, 3, .sock = SOCK(6, NOT_UP, 0, 0) }, false, false, 0, 0 },
	};
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	for (size_t i = 0; i < sizeof(socks) / sizeof(socks[0]); i++) {
		record_make(&r, &socks[i].g);
		assert_int_equal(r.ev.fd.type, FD_IPV4);
		assert_int_equal(r.ev.fd.connected, socks[i].connected);
		assert_int_equal(r.ev.fd.name_changed, socks[i].changed);
		assert_int_equal(r.ev.fd.conn.is_server, socks[i].is_server);
		assert_int_equal(r.ev.fd.conn.rport, socks[i].rport);
	}
	decode_close(&r);
}

/* A record with everything in it, each byte changed to each value. */
static void test_hostile(void **state)
{
	const struct given file = { "openat",	 { CWD, 0, O_WRONLY | O_CREAT, 0755 }, 4, { "b" },
				    .file = "b", .info = SYS_CREATED | S_IFREG };
	const struct given sent = { "sendmsg",
				    { 3 },
				    4,
				    .data = "data",
				    .addr = ADDR(53),
				    .sock = SOCK(17, NOT_UP, 1, 0) };
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	record_make(&r, &file);
	decode_changed_survives(&r);
	record_make(&r, &sent);
	decode_changed_survives(&r);
	decode_close(&r);
}

static void test_tables(void **state)
{
	uint16_t port = 0;

	(void)state;
	for (unsigned t = FD_NONE + 1; t < FD_TYPES; t++) {
		assert_true(fd_type_name(t).n > 1);
		assert_int_equal(fd_type_char(t).n, 1);
	}
	assert_true(str_eq(errno_name(-115), STR("EINPROGRESS")));
	assert_true(str_eq(errno_name(-512), STR("ERESTARTSYS")));
	assert_null(errno_name(0).p);
	assert_null(errno_name(-4096).p);
	assert_null(errno_name(INT64_MIN).p);
	assert_true(port_find(STR("https"), &port) && port == 443);
	assert_true(str_eq(port_name(22), STR("ssh")));
	assert_false(port_find(STR("nothing"), &port));
	assert_null(port_name(1).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),	      cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_kernel_rows),   cmocka_unit_test(test_opens),
		cmocka_unit_test(test_single_fields), cmocka_unit_test(test_numbered),
		cmocka_unit_test(test_descriptors),   cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_hostile),	      cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
