/*
 * One pass for many addresses. Wanted addresses are sorted; a symbol at A matters to the first
 * wanted address at or above it (as its floor) and to the last one below it (as its end). After the
 * pass, floors are handed up and ends down to those that got none of their own.
 *
 *     symbols    A      B          C    D            E
 *     wanted          w1   w2 w3           w4
 *     floor           A    B  -            D         w3 gets B from w2
 *     end             B    -  C            E         w2 gets C from w3
 */
#include "symbol/kernel.h"

#include <errno.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define CHUNK	  65536
#define TEXT_KEPT (1u << 20)

struct want {
	uint64_t addr, floor, end; /* 0 and UINT64_MAX: none */
	char name[KERNEL_NAME_MAX];
	char module[64];
	bool global;
};

struct kept {
	uint64_t start, end; /* [start, end) */
	struct str name, module;
};

struct kernel {
	int fd;
	uint64_t want[KERNEL_WANT_MAX];
	size_t nwant;
	struct kept *kept;
	size_t n;
	struct arena text;
};

int kernel_open(int fd, struct kernel **ret)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k || arena_init(&k->text, TEXT_KEPT) < 0) {
		free(k);
		close(fd);
		return -ENOMEM;
	}
	k->fd = fd;
	*ret = k;
	return 0;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	closep(&k->fd);
	free(k->kept);
	arena_free(&k->text);
	free(k);
}

void kernel_forget(struct kernel *k)
{
	free(take_ptr(k->kept));
	k->n = 0;
	arena_reset(&k->text);
}

size_t kernel_bytes(const struct kernel *k)
{
	return sizeof(*k) + k->n * sizeof(*k->kept) + k->text.n;
}

static const struct kept *kept_find(const struct kernel *k, uint64_t addr)
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->kept[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < k->kept[lo - 1].end ? &k->kept[lo - 1] : NULL;
}

int kernel_want(struct kernel *k, uint64_t addr)
{
	if (kept_find(k, addr))
		return 0;
	if (k->nwant == KERNEL_WANT_MAX)
		return -ENOSPC;
	k->want[k->nwant++] = addr;
	return 0;
}

struct line {
	uint64_t addr;
	char type;
	struct str name, module;
};

/* "ffffffff81000000 T name\t[module]" */
static bool line_parse(struct str s, struct line *ret)
{
	struct line l = { 0 };
	size_t i = 0;
	const char *tab;

	for (; i < s.n && i < 16; i++) {
		char c = s.p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' :
			    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
						   -1;

		if (digit < 0)
			break;
		l.addr = l.addr << 4 | (uint64_t)digit;
	}
	if (i == 0 || i + 3 >= s.n || s.p[i] != ' ' || s.p[i + 2] != ' ')
		return false;
	l.type = s.p[i + 1];
	l.name = str_skip(s, i + 3);
	tab = memchr(l.name.p, '\t', l.name.n);
	if (tab) {
		l.module = str_skip(l.name, (size_t)(tab - l.name.p) + 1);
		l.name.n = (size_t)(tab - l.name.p);
	}
	*ret = l;
	return l.name.n > 0;
}

static void copy_cut(char *to, size_t max, struct str s)
{
	size_t n = s.n < max ? s.n : max - 1;

	if (n)
		memcpy(to, s.p, n);
	to[n] = '\0';
}

/* Of names at one address: global before local, then fewer underscores, then shorter. */
static bool better(const struct want *w, const struct line *l)
{
	bool global = l->type == 'T';
	size_t have = strspn(w->name, "_"), its = 0;

	if (l->addr != w->floor)
		return l->addr > w->floor;
	while (its < l->name.n && l->name.p[its] == '_')
		its++;
	if (global != w->global)
		return global;
	return its != have ? its < have : l->name.n < strlen(w->name);
}

static void line_apply(struct want *w, size_t n, const struct line *l)
{
	size_t lo = 0, hi = n;

	if (!strchr("tTwW", l->type))
		return;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w[mid].addr < l->addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo > 0 && l->addr < w[lo - 1].end)
		w[lo - 1].end = l->addr;
	if (lo == n || !better(&w[lo], l))
		return;
	w[lo].floor = l->addr;
	w[lo].global = l->type == 'T';
	copy_cut(w[lo].name, sizeof(w[lo].name), l->name);
	copy_cut(w[lo].module, sizeof(w[lo].module), l->module);
}

struct pass {
	struct want *w;
	size_t n;
	bool shown; /* an address that is not 0 */
};

/* All lines that end in @s; how many bytes they are. */
static size_t lines_apply(struct pass *p, struct str s)
{
	size_t done = 0;
	struct line l;

	for (;;) {
		struct str left = str_skip(s, done);
		const char *end = left.n ? memchr(left.p, '\n', left.n) : NULL;

		if (!end)
			return done;
		if (line_parse((struct str){ left.p, (size_t)(end - left.p) }, &l) && l.addr) {
			p->shown = true;
			line_apply(p->w, p->n, &l);
		}
		done += (size_t)(end - left.p) + 1;
	}
}

static int file_pass(int fd, struct pass *p)
{
	_cleanup_(freep) char *chunk = malloc(CHUNK);
	uint64_t total = 0;
	size_t have = 0;

	if (!chunk)
		return -ENOMEM;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -EIO;
	while (total < KERNEL_TEXT_MAX) {
		ssize_t r = read(fd, chunk + have, CHUNK - have);
		size_t done;

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -EIO;
		if (r == 0)
			break;
		total += (uint64_t)r;
		have += (size_t)r;
		done = lines_apply(p, (struct str){ chunk, have });
		/* A line longer than the chunk is no line. */
		if (done == 0 && have == CHUNK)
			done = have;
		memmove(chunk, chunk + done, have - done);
		have -= done;
	}
	return p->shown ? 0 : -EPERM;
}

static int u64_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int kept_order(const void *a, const void *b)
{
	return u64_order(a, b);
}

static bool keep(struct kernel *k, const struct want *w)
{
	size_t n = strlen(w->name), m = strlen(w->module);
	char *p = arena_alloc(&k->text, n + m);

	if (!p)
		return false;
	memcpy(p, w->name, n);
	memcpy(p + n, w->module, m);
	k->kept[k->n++] = (struct kept){ .start = w->floor,
					 .end = w->end,
					 .name = { p, n },
					 .module = m ? (struct str){ p + n, m } : STR_NONE };
	return true;
}

/* What is nobody's is kept as that, so that it does not cost a pass each time. */
static void nothing_keep(struct kernel *k, const struct want *w, size_t n)
{
	size_t known = k->n;

	for (size_t i = 0, at = 0; i < n; i++) {
		while (at < known && k->kept[at].end <= w[i].addr)
			at++;
		if (at == known || w[i].addr < k->kept[at].start)
			k->kept[k->n++] = (struct kept){ .start = w[i].addr, .end = w[i].addr + 1 };
	}
	qsort(k->kept, k->n, sizeof(*k->kept), kept_order);
}

static int results_keep(struct kernel *k, struct want *w, size_t n)
{
	struct kept *more;

	for (size_t i = n; i-- > 1;)
		if (w[i - 1].end == UINT64_MAX)
			w[i - 1].end = w[i].end;
	if (k->n + 2 * n > KERNEL_KEPT_MAX || k->text.cap - k->text.n < n * sizeof(w->name) / 4)
		kernel_forget(k);
	more = reallocarray(k->kept, k->n + 2 * n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	k->kept = more;
	for (size_t i = 0; i < n; i++) {
		/* Without a floor of its own the one below is in the same function, or in none. */
		if (w[i].floor == 0)
			continue;
		if (w[i].end - w[i].floor > KERNEL_SPAN_MAX)
			w[i].end = w[i].floor + KERNEL_SPAN_MAX;
		if (!keep(k, &w[i]))
			break;
	}
	qsort(k->kept, k->n, sizeof(*k->kept), kept_order);
	nothing_keep(k, w, n);
	return 0;
}

int kernel_resolve(struct kernel *k)
{
	_cleanup_(freep) struct want *w = NULL;
	struct pass p = { 0 };
	int err;

	if (k->nwant == 0)
		return 0;
	qsort(k->want, k->nwant, sizeof(k->want[0]), u64_order);
	w = calloc(k->nwant, sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < k->nwant; i++)
		if (p.n == 0 || w[p.n - 1].addr != k->want[i])
			w[p.n++] = (struct want){ .addr = k->want[i], .end = UINT64_MAX };
	k->nwant = 0;
	p.w = w;
	err = file_pass(k->fd, &p);
	return err ? err : results_keep(k, w, p.n);
}

struct frame kernel_frame(const struct kernel *k, uint64_t addr, bool returned)
{
	struct frame f = { .kind = FRAME_KERNEL,
			   .module = STR("[kernel]"),
			   .address = addr - (returned && addr) };
	const struct kept *s = kept_find(k, f.address);

	if (!s || s->name.n == 0)
		return f;
	f.function = s->name;
	if (s->module.p)
		f.module = s->module;
	return f;
}
