/*
 * An unwind table from a file: functions of .eh_frame, then those of .debug_frame where nothing
 * describes the code yet, then recognized stubs; sorted by offset in the file, their rows written
 * one after the other, gaps between them marked.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "base/cleanup.h"
#include "symbol/unwind.h"
#include "symbol/unwind_elf.h"
#include "symbol/unwind_rows.h"
#include "symbol/unwind_rule.h"
#include "symbol/unwind_stub.h"

#define OFFSETS_MAX ((uint64_t)UW_PAGES << UW_PAGE_SHIFT) /* 4 GiB: offsets fit 32 bits */

#define UNWIND_COUNTER_NAME(name, help) { #name, help },
const struct unwind_counter_name unwind_counter_names[UNWIND_COUNTERS_N] = { UNWIND_COUNTERS(
	UNWIND_COUNTER_NAME) };
#undef UNWIND_COUNTER_NAME

/* Code that something describes. */
struct span {
	uint32_t start, len; /* offset in the file, bytes */
	uint32_t what;	     /* offset of the function in its section, or index of a stub */
	uint32_t source;
};

enum source {
	SOURCE_EH,
	SOURCE_DEBUG,
	SOURCE_STUB,
	SOURCES
};

struct build {
	struct elf elf;
	struct unwind_table *t;
	struct elf_bytes bytes[SOURCE_STUB];
	struct cfi *cfi[SOURCE_STUB];
	struct stubs stubs;
	struct span *spans;
	uint32_t nspans, cap_spans;
	struct rows rows;
	/* While the rows of one function are written: */
	uint64_t from, end; /* offsets */
};

static void build_free(struct build **b)
{
	if (!*b)
		return;
	for (int i = 0; i < SOURCE_STUB; i++) {
		elf_bytes_free(&(*b)->bytes[i]);
		free((*b)->cfi[i]);
	}
	free((*b)->spans);
	unwind_table_free((*b)->t);
	free(*b);
}

static int by_start(const void *x, const void *y)
{
	const struct span *a = x, *b = y;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->what < b->what ? -1 : a->what > b->what;
}

/* Linkers mostly write them in order already. */
static void sort_spans(struct build *b)
{
	for (uint32_t i = 1; i < b->nspans; i++) {
		if (by_start(&b->spans[i - 1], &b->spans[i]) > 0) {
			qsort(b->spans, b->nspans, sizeof(*b->spans), by_start);
			return;
		}
	}
}

/* Whether the first @n spans, sorted, have code of [start, end). */
static bool described(const struct build *b, uint32_t n, uint64_t start, uint64_t end)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->spans[mid].start < end)
			low = mid + 1;
		else
			high = mid;
	}
	return low && (uint64_t)b->spans[low - 1].start + b->spans[low - 1].len > start;
}

static int add_span(struct build *b, struct span s)
{
	uint32_t cap = b->cap_spans ? b->cap_spans * 2 : 1024;
	struct span *moved;

	if (b->nspans == UNWIND_FDES_MAX) {
		b->t->counts[UNWIND_N_lost_fdes]++;
		return 0;
	}
	if (b->nspans == b->cap_spans) {
		moved = realloc(b->spans, cap * sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		b->spans = moved;
		b->cap_spans = cap;
	}
	b->spans[b->nspans++] = s;
	return 0;
}

static int add_fde(struct build *b, enum source source, uint32_t before, const struct cfi_fde *f)
{
	uint64_t *counts = b->t->counts;
	uint64_t off, left, len = f->len;

	counts[UNWIND_N_fdes]++;
	if (!len) {
		counts[UNWIND_N_empty]++;
		return 0;
	}
	/* Of a removed function the linker leaves address 0. */
	if (!f->start || !elf_code_off(&b->elf, f->start, &off, &left) || off >= OFFSETS_MAX) {
		counts[UNWIND_N_outside]++;
		return 0;
	}
	len = len < left ? len : left;
	len = len < OFFSETS_MAX - off ? len : OFFSETS_MAX - off;
	if (described(b, before, off, off + len)) {
		counts[UNWIND_N_duplicates]++;
		return 0;
	}
	return add_span(b, (struct span){ (uint32_t)off,
					  (uint32_t)(len < UINT32_MAX ? len : UINT32_MAX), f->off,
					  source });
}

/* The functions of one section become spans. */
static int read_cfi(struct build *b, const struct elf *e, const struct elf_section *s,
		    enum source source)
{
	struct elf_section bounded = *s;
	struct cfi_fde f;
	enum cfi_end end;
	struct cfi *c;
	uint32_t before;
	int err;

	if (!s->size)
		return 0;
	if (s->ends && s->size > UNWIND_SECTION_MAX)
		bounded.size = UNWIND_SECTION_MAX;
	err = elf_section_bytes(e, &bounded, UNWIND_SECTION_MAX, &b->bytes[source]);
	if (err == -ENOMEM)
		return err;
	if (err) {
		b->t->counts[UNWIND_N_lost_section]++;
		return 0;
	}
	b->cfi[source] = c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->data = cur_of(b->bytes[source].p, b->bytes[source].n);
	c->vaddr = s->vaddr;
	c->data_rel = e->eh_frame_hdr;
	c->debug = source == SOURCE_DEBUG;
	c->ends = s->ends;
	sort_spans(b);
	before = b->nspans;
	while ((end = cfi_next(c, &f)) == CFI_OK) {
		err = add_fde(b, source, before, &f);
		if (err)
			return err;
	}
	b->t->counts[UNWIND_N_lost_rest] += end == CFI_BAD;
	return 0;
}

static int read_debug_file(struct build *b, int fd)
{
	_cleanup_(freep) struct elf *e = malloc(sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	err = elf_open(fd, NULL, 0, e);
	if (err == -ENOMEM)
		return err;
	if (err) {
		b->t->counts[UNWIND_N_lost_section]++;
		return 0;
	}
	return read_cfi(b, e, &e->debug_frame, SOURCE_DEBUG);
}

static int read_stubs(struct build *b)
{
	uint32_t before;
	int err;

	err = stubs_find(&b->elf, &b->stubs);
	if (err)
		return err;
	sort_spans(b);
	before = b->nspans;
	for (uint32_t i = 0; i < b->stubs.n; i++) {
		const struct stub *s = &b->stubs.stubs[i];

		if (s->off >= OFFSETS_MAX || s->len > OFFSETS_MAX - s->off ||
		    described(b, before, s->off, s->off + s->len))
			continue;
		b->t->counts[s->rule[0].cfa == UW_STOP ? UNWIND_N_entry_made : UNWIND_N_plt_made]++;
		err = add_span(b,
			       (struct span){ (uint32_t)s->off, (uint32_t)s->len, i, SOURCE_STUB });
		if (err)
			return err;
	}
	sort_spans(b);
	return 0;
}

/* A row of the function that is being written. */
static void on_row(void *data, uint64_t at, const struct cfi_state *st, const struct cfi_cie *cie)
{
	struct build *b = data;
	struct unwind_rule rule;

	if (at >= b->end - b->from)
		return;
	b->t->counts[UNWIND_N_rows_read]++;
	rule = unwind_rule_of(st, cie, b->t->counts);
	rows_put(&b->rows, b->from + at, &rule);
}

static void put_function(struct build *b, const struct span *s)
{
	static const struct unwind_rule invalid = { .cfa = UW_INVALID };
	uint64_t bad = 0;
	enum cfi_end end;

	/* Until the first row comes, which is at once, there is none. */
	rows_put(&b->rows, s->start, &invalid);
	end = cfi_rows(b->cfi[s->source], s->what, on_row, b, &bad);
	if (end == CFI_OK)
		return;
	b->t->counts[end == CFI_BAD ? UNWIND_N_lost_op : UNWIND_N_lost_work]++;
	if (bad < b->end - b->from)
		rows_put(&b->rows, b->from + bad, &invalid);
}

static void put_stub(struct build *b, const struct stub *s)
{
	for (unsigned i = 0; i < STUB_ROWS && (i == 0 || s->at[i]); i++)
		if (s->off + s->at[i] < b->end)
			rows_put(&b->rows, s->off + s->at[i], &s->rule[i]);
}

static bool keeps_frames(struct build *b, uint64_t start, uint64_t end)
{
	if (b->t->flags)
		return true;
	if (!stubs_keep_frames(&b->elf, start, end))
		return false;
	b->t->counts[UNWIND_N_frames_made]++;
	return true;
}

/* Code that nothing describes. */
static void put_gap(struct build *b, uint64_t from, uint64_t to)
{
	static const struct unwind_rule invalid = { .cfa = UW_INVALID };
	const struct unwind_rule frame = unwind_rule_frame(b->t->flags & UNWIND_GO);

	rows_put(&b->rows, from, &invalid);
	for (unsigned i = 0; i < b->elf.nloads; i++) {
		const struct elf_load *l = &b->elf.loads[i];
		uint64_t start = l->off > from ? l->off : from;
		uint64_t end = l->off + l->size < to ? l->off + l->size : to;

		/* They are sorted, but may overlap. */
		if (!l->exec || start >= end || start < b->rows.off || !keeps_frames(b, start, end))
			continue;
		rows_put(&b->rows, start, &frame);
		rows_put(&b->rows, end, &invalid);
	}
}

static uint64_t end_of(const struct span *s)
{
	return (uint64_t)s->start + s->len;
}

static void put_span(struct build *b, const struct span *s, uint64_t next)
{
	b->from = s->start;
	b->end = end_of(s) < next ? end_of(s) : next;
	b->t->counts[UNWIND_N_overlaps] += end_of(s) > next;
	if (s->source == SOURCE_STUB)
		put_stub(b, &b->stubs.stubs[s->what]);
	else
		put_function(b, s);
}

/* All spans in order; of those that start at the same byte the first. */
static void put_all(struct build *b)
{
	uint64_t at = 0; /* where what was written last ends */

	for (uint32_t i = 0, next; i < b->nspans; i = next) {
		const struct span *s = &b->spans[i];

		for (next = i + 1; next < b->nspans && b->spans[next].start == s->start; next++)
			b->t->counts[UNWIND_N_duplicates]++;
		if (s->start > at && (!i || s->start - at > UNWIND_GAP_JOINED)) {
			b->t->counts[UNWIND_N_gaps] += i != 0;
			put_gap(b, at, s->start);
		} else {
			b->t->counts[UNWIND_N_gaps_joined] += s->start > at;
		}
		put_span(b, s, next < b->nspans ? b->spans[next].start : OFFSETS_MAX);
		at = b->end;
	}
	put_gap(b, at, OFFSETS_MAX);
}

static void count_cfi(struct build *b)
{
	for (int i = 0; i < SOURCE_STUB; i++) {
		if (!b->cfi[i])
			continue;
		b->t->counts[UNWIND_N_cies] += b->cfi[i]->cies;
		b->t->counts[UNWIND_N_lost_cie] += b->cfi[i]->bad_cies;
		b->t->counts[UNWIND_N_lost_fde] += b->cfi[i]->bad_fdes;
	}
}

static int build_table(int fd, const void *image, size_t n, int debug_fd, struct unwind_table **ret)
{
	_cleanup_(build_free) struct build *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->t = calloc(1, sizeof(*b->t));
	if (!b->t)
		return -ENOMEM;
	err = elf_open(fd, image, n, &b->elf);
	if (!err)
		err = read_cfi(b, &b->elf, &b->elf.eh_frame, SOURCE_EH);
	/* Go's linker describes Go there too, but not where rbp is; its frame pointers are better. */
	if (!err && !b->elf.go)
		err = b->elf.debug_frame.size || debug_fd < 0 ?
			      read_cfi(b, &b->elf, &b->elf.debug_frame, SOURCE_DEBUG) :
			      read_debug_file(b, debug_fd);
	if (err)
		return err;
	b->t->flags = b->elf.go ? UNWIND_GO : b->nspans ? 0 : UNWIND_NO_CFI;
	err = read_stubs(b);
	if (err)
		return err;
	rows_begin(&b->rows, b->t);
	put_all(b);
	count_cfi(b);
	err = rows_end(&b->rows);
	if (err)
		return err;
	*ret = take_ptr(b->t);
	return 0;
}

int unwind_table_build(int fd, int debug_fd, struct unwind_table **ret)
{
	return fd < 0 ? -EBADF : build_table(fd, NULL, 0, debug_fd, ret);
}

int unwind_table_image(const void *image, size_t n, struct unwind_table **ret)
{
	return build_table(-1, image, n, -1, ret);
}

/* Of the image only what its segments cover is known to be there; the kernel made it: trusted. */
int unwind_table_vdso(struct unwind_table **ret)
{
	const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *h = (const void *)image;
	uint64_t n = sizeof(*h);

	if (!image)
		return -ENOENT;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		const Elf64_Phdr *p = (const void *)(image + h->e_phoff + i * sizeof(*p));

		if (p->p_type == PT_LOAD && p->p_offset + p->p_filesz > n)
			n = p->p_offset + p->p_filesz;
	}
	return unwind_table_image(image, n, ret);
}

void unwind_table_free(struct unwind_table *t)
{
	if (!t)
		return;
	free(t->pages);
	free(t->rows);
	free(t->rules);
	free(t);
}

const struct unwind_rule *unwind_table_find(const struct unwind_table *t, uint64_t off)
{
	const struct unwind_row *rows;
	uint64_t page = off >> UW_PAGE_SHIFT;
	uint16_t pc = (uint16_t)off;
	uint32_t low = 0, high = t->npages;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (t->pages[mid].page <= page)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || t->pages[low - 1].page != page)
		return NULL;
	rows = t->rows + t->pages[low - 1].first;
	high = t->pages[low - 1].n;
	low = 0;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (rows[mid].pc <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &t->rules[rows[low - 1].rule] : NULL;
}
