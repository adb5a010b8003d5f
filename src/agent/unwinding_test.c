/*
 * More files than the kernel's tables hold: who goes, what is counted, what comes again, and that what
 * is in the maps is always the right file's. With maps of the kernel's own kind, but small.
 */
#include "agent/unwinding.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it. */
#include <bpf/bpf.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "symbol/unwind_image_test.h"

#define ROOM  24 /* files that have room at once: each has one page */
#define FILES 40

struct room {
	char dir[64];
	struct unwind_map_fds fds;
	struct unwinding *u;
	struct rec_vma vma[FILES];
	int finished;
};

static void finished(void *ctx, const struct rec_hdr *h)
{
	struct room *r = ctx;

	(void)h;
	__atomic_add_fetch(&r->finished, 1, __ATOMIC_SEQ_CST);
}

/* File @i: one function from 0x100 on, whose frames are 16 + 2 * @i bytes large. */
static void file_make(struct room *r, int i)
{
	_cleanup_(buf_free) struct buf eh = { 0 }, image = { 0 };
	const uint8_t program[] = { 0x0e, (uint8_t)(16 + 2 * i) }; /* def_cfa_offset */
	char path[128];
	struct stat st;
	uint32_t cie;
	void *at;
	int fd;

	cie = image_cie(&eh, "zR", false);
	image_fde(&eh, cie, false, IMAGE_ADDR(0x100), 0x100,
		  (struct str){ (const char *)program, sizeof(program) });
	image_u32(&eh, 0);
	image_make(&image, STR_NONE, 0x1000, buf_slice(&eh), NULL, 0);
	snprintf(path, sizeof(path), "%s/%d", r->dir, i);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image.p, image.n), image.n);
	assert_int_equal(fstat(fd, &st), 0);
	at = mmap(NULL, 0x1000, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, IMAGE_CODE);
	assert_true(at != MAP_FAILED);
	close(fd);
	r->vma[i] = (struct rec_vma){
		.file = { .ino = st.st_ino, .dev = major(st.st_dev) << 20 | minor(st.st_dev) },
		.start = (uint64_t)at,
		.end = (uint64_t)at + 0x1000,
		.off = IMAGE_CODE,
	};
}

static int map_make(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t n,
		    uint32_t inner, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .inner_map_fd = inner, .map_flags = flags);

	return bpf_map_create(type, "uw_test", key, value, n, &o);
}

static void maps_make(struct room *r)
{
	_cleanup_(closep) int inner =
		map_make(BPF_MAP_TYPE_ARRAY, 4, UW_BLOCK_ROWS * sizeof(struct unwind_row), 1, 0, 0);

	r->fds.files = map_make(BPF_MAP_TYPE_HASH, sizeof(struct file_key), 4, UW_FILES, 0, 0);
	/* One that is preallocated takes some more than it says, one for each CPU. */
	r->fds.pages = map_make(BPF_MAP_TYPE_HASH, sizeof(struct uw_page_key),
				sizeof(struct uw_page), ROOM, 0, BPF_F_NO_PREALLOC);
	r->fds.rows = map_make(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, UW_BLOCKS, (uint32_t)inner, 0);
	r->fds.rules = map_make(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct unwind_rule), UW_RULES, 0, 0);
}

static int room_open(void **state)
{
	static struct room r;

	*state = &r;
	maps_make(&r);
	if (r.fds.rows < 0 || r.fds.files < 0 || r.fds.pages < 0 || r.fds.rules < 0)
		return 0; /* the test skips */
	strcpy(r.dir, "/tmp/porthole-unwinding-XXXXXX");
	if (!mkdtemp(r.dir))
		return -1;
	for (int i = 0; i < FILES; i++)
		file_make(&r, i);
	return unwinding_start(&r.fds, finished, &r, &r.u);
}

static int room_close(void **state)
{
	struct room *r = *state;
	const int fds[] = { r->fds.files, r->fds.pages, r->fds.rows, r->fds.rules };
	char path[128];

	unwinding_stop(r->u);
	for (int i = 0; i < FILES && r->dir[0]; i++) {
		snprintf(path, sizeof(path), "%s/%d", r->dir, i);
		unlink(path);
	}
	rmdir(r->dir);
	for (size_t i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return 0;
}

/* A sample whose stack ended in file @i; with a copy when its table was not there. */
static void seen(struct room *r, int i, bool missed)
{
	struct {
		struct rec_hdr h;
		struct rec_stack head;
		uint64_t user;
		struct rec_vma vma;
		struct rec_stack_copy copy;
	} rec = { .h = { .pid = (uint32_t)getpid() } };
	struct stack s;

	rec.h.len = missed ? sizeof(rec) : offsetof(typeof(rec), copy);
	rec.head = (struct rec_stack){ .nuser = 1,
				       .nvma = 1,
				       .end = missed ? STACK_NO_TABLE : STACK_WHOLE,
				       .flags = missed ? STACK_COPY : 0 };
	rec.user = (r->vma[i].start + 0x100) | STACK_EXACT;
	rec.vma = r->vma[i];
	rec.copy.regs = (struct unwind_regs){ .ip = r->vma[i].start + 0x100, .exact = 1 };
	assert_int_equal(stack_read(&rec.head, rec.h.len - sizeof(rec.h), &s), 0);
	unwinding_seen(r->u, &rec.h, sizeof(rec.h), &s);
}

/* As the kernel finds it: the frame's size by file, page, block, row and rule; 0: it has no table. */
static int size_of(const struct room *r, int i)
{
	static struct unwind_row rows[UW_BLOCK_ROWS];
	const uint32_t off = IMAGE_CODE + 0x150, zero = 0;
	struct unwind_rule rule;
	struct uw_page_key key;
	uint32_t number, id, at;
	struct uw_page page;
	_cleanup_(closep) int fd = -1;

	if (bpf_map_lookup_elem(r->fds.files, &r->vma[i].file, &number) || number == UW_FILE_NONE)
		return 0;
	key = (struct uw_page_key){ number, off >> UW_PAGE_SHIFT };
	assert_int_equal(bpf_map_lookup_elem(r->fds.pages, &key, &page), 0);
	assert_int_equal(bpf_map_lookup_elem(r->fds.rows, &page.block, &id), 0);
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, rows), 0);
	for (at = page.first;
	     at + 1 < (uint32_t)page.first + page.n && rows[at + 1].pc <= (off & 0xffff);)
		at++;
	id = rows[at].rule;
	assert_int_equal(bpf_map_lookup_elem(r->fds.rules, &id, &rule), 0);
	return rule.off;
}

static struct unwinding_stats stats(const struct room *r)
{
	struct unwinding_stats s;

	unwinding_stats(r->u, &s);
	return s;
}

/* Until @n samples are completed: what was asked for before them is served before them. */
static void settle(struct room *r, int n)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 20000 && __atomic_load_n(&r->finished, __ATOMIC_SEQ_CST) < n; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(__atomic_load_n(&r->finished, __ATOMIC_SEQ_CST), n);
}

static void right(const struct room *r, const bool *there)
{
	for (int i = 0; i < FILES; i++)
		assert_int_equal(size_of(r, i), there[i] ? 16 + 2 * i : 0);
}

/* As many as there is room for, and one more while all are in use: it is left out, and told so. */
static int fill(struct room *r, bool *there)
{
	struct unwinding_stats s;
	int n = 0;

	for (int i = 0; i <= ROOM; i++) {
		s = stats(r);
		assert_int_equal(s.built, i);
		assert_int_equal(s.evicted + s.full, 0);
		seen(r, i, true);
		settle(r, ++n);
		there[i] = i < ROOM;
	}
	s = stats(r);
	assert_int_equal(s.full, 1);
	assert_int_equal(s.evicted, 0);
	right(r, there);
	seen(r, ROOM, false);
	assert_int_equal(stats(r).again, 0);
	return n;
}

/* Round and round: every time what is in the maps is its own file's. */
static void rounds(struct room *r, int n)
{
	struct unwinding_stats s;

	for (int k = 0; k < 3 * FILES; k++) {
		const int i = k * 7 % FILES;

		if (!size_of(r, i)) {
			seen(r, i, true);
			settle(r, ++n);
			assert_int_equal(size_of(r, i), 16 + 2 * i);
		}
		for (int j = 0; j < FILES; j++)
			assert_true(!size_of(r, j) || size_of(r, j) == 16 + 2 * j);
	}
	s = stats(r);
	assert_int_equal(s.files, ROOM);
	assert_int_equal(s.pages, ROOM);
	assert_int_equal(s.built - s.evicted, ROOM);
	assert_int_equal(s.full, 1);
	assert_int_equal(s.failed + s.gone + s.queue_full, 0);
}

static void test_more_than_fit(void **state)
{
	struct room *r = *state;
	bool there[FILES] = { false };
	int n;

	if (!r->u)
		skip(); /* needs CAP_BPF */
	n = fill(r, there);
	/* It comes in when others are out of use: the longest unused goes, here number 1. */
	unwinding_set_keep(r->u, 1);
	seen(r, 0, false);
	seen(r, ROOM, false);
	seen(r, 2, true); /* for settle: its table is there */
	settle(r, ++n);
	assert_int_equal(stats(r).again, 1);
	assert_int_equal(stats(r).evicted, 1);
	there[1] = false;
	there[ROOM] = true;
	right(r, there);
	/* What went comes again when a stack goes through it, in the place of the next. */
	seen(r, 1, true);
	settle(r, ++n);
	there[1] = true;
	there[3] = false;
	assert_int_equal(stats(r).evicted, 2);
	right(r, there);
	rounds(r, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_more_than_fit, room_open, room_close),
	};

	return cmocka_run_group_tests_name("agent/unwinding", tests, NULL, NULL);
}
