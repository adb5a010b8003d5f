/*
 * Offsets in the table are the file's word: each read is bounded by the section, sums are checked
 * where they are made.
 */
#include "symbol/go.h"

#include "base/cur.h"

#define GO_1_2	0xfffffffb
#define GO_1_16 0xfffffffa
#define GO_1_18 0xfffffff0
#define GO_1_20 0xfffffff1

static bool read_at(const struct go_table *t, uint64_t at, void *ret, size_t n)
{
	return at >= t->at && at <= t->end && n <= t->end - at &&
	       bytes_read(&t->im->bytes, at, ret, n);
}

static bool word_at(const struct go_table *t, uint64_t at, size_t size, uint64_t *ret)
{
	uint64_t v = 0;

	if (!read_at(t, at, &v, size))
		return false;
	*ret = v;
	return true;
}

/* Header word @i, as an offset from the table's begin made one in the file. */
static bool block_at(const struct go_table *t, unsigned i, uint64_t *ret)
{
	uint64_t v;

	if (!word_at(t, t->at + 8 + (uint64_t)i * t->word, t->word, &v) || v > t->end - t->at)
		return false;
	*ret = t->at + v;
	return true;
}

static bool header_1_2(struct go_table *t)
{
	uint64_t each = 2 * t->word, files;

	t->functions = t->at + 8 + t->word;
	t->names = t->pcs = t->at;
	if (!word_at(t, t->at + 8, t->word, &t->count) || t->count > (t->end - t->at) / each ||
	    !word_at(t, t->functions + t->count * each + t->word, 4, &files) ||
	    files > t->end - t->at)
		return false;
	t->files = t->at + files;
	return true;
}

static bool header_1_16(struct go_table *t)
{
	unsigned i = t->magic == GO_1_16 ? 2 : 3;

	if (!word_at(t, t->at + 8, t->word, &t->count) || t->count > (t->end - t->at) / 8)
		return false;
	if (t->magic != GO_1_16 && !word_at(t, t->at + 8 + 2 * t->word, t->word, &t->text))
		return false;
	/* In a position-independent program the word waits for the dynamic linker. */
	if (t->magic != GO_1_16 && t->text == 0)
		t->text = t->im->text.vaddr;
	return block_at(t, i, &t->names) && block_at(t, i + 1, &t->units) &&
	       block_at(t, i + 2, &t->files) && block_at(t, i + 3, &t->pcs) &&
	       block_at(t, i + 4, &t->functions);
}

bool go_open(const struct image *im, struct go_table *ret)
{
	struct go_table t = { .im = im,
			      .at = im->pclntab.off,
			      .end = im->pclntab.off + im->pclntab.size };
	uint8_t head[8];
	bool ok;

	if (im->pclntab.size == 0 || !read_at(&t, t.at, head, sizeof(head)))
		return false;
	memcpy(&t.magic, head, 4);
	t.quantum = head[6];
	t.word = head[7];
	if ((t.word != 4 && t.word != 8) || t.quantum == 0 || t.quantum > 4)
		return false;
	if (t.magic == GO_1_2)
		ok = header_1_2(&t);
	else if (t.magic == GO_1_16 || t.magic == GO_1_18 || t.magic == GO_1_20)
		ok = header_1_16(&t);
	else
		return false;
	if (ok && t.count)
		*ret = t;
	return ok && t.count;
}

/* Entry @i: where the function begins, and its record. Entry `count` is the end of the last. */
static bool entry_at(const struct go_table *t, uint64_t i, uint64_t *ret_pc, uint64_t *ret_record)
{
	size_t size = t->magic == GO_1_2 || t->magic == GO_1_16 ? t->word : 4;
	uint64_t base = t->magic == GO_1_2 ? t->at : t->functions;
	uint64_t at = t->functions + i * 2 * size, pc, record = 0;

	if (!word_at(t, at, size, &pc) || (i < t->count && !word_at(t, at + size, size, &record)) ||
	    record > t->end - base)
		return false;
	*ret_pc = pc + t->text;
	*ret_record = base + record;
	return true;
}

static bool entry_find(const struct go_table *t, uint64_t vaddr, uint64_t *ret_pc,
		       uint64_t *ret_record)
{
	uint64_t lo = 0, hi = t->count, pc, record;

	if (!entry_at(t, t->count, &pc, &record) || vaddr >= pc)
		return false;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (!entry_at(t, mid, &pc, &record))
			return false;
		if (pc <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && entry_at(t, lo - 1, ret_pc, ret_record);
}

static bool varint(struct cur *c, uint32_t *ret)
{
	uint32_t v = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (!cur_u8(c, &byte))
			return false;
		v |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* The value at @vaddr of the pc table at @off: pairs of differences, value (zigzag) and pc. */
static bool pc_value(const struct go_table *t, uint64_t off, uint64_t pc, uint64_t vaddr, int32_t *ret)
{
	uint8_t chunk[4096];
	struct cur c = cur_of(chunk, 0);
	uint64_t at = t->pcs + off;
	int32_t value = -1;

	for (unsigned i = 0; i < GO_STEPS; i++) {
		uint32_t dv, dpc;

		if (cur_left(&c) < 16) {
			at -= cur_left(&c);
			c = cur_of(chunk,
				   bytes_some(&t->im->bytes, at, t->end, chunk, sizeof(chunk)));
			at += cur_left(&c);
		}
		if (!varint(&c, &dv) || (dv == 0 && i > 0) || !varint(&c, &dpc))
			return false;
		value += (int32_t)((dv >> 1) ^ -(dv & 1));
		pc += (uint64_t)dpc * t->quantum;
		if (vaddr < pc) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static void text_at(const struct go_table *t, uint64_t at, char ret[GO_NAME])
{
	size_t n = at >= t->at ? bytes_some(&t->im->bytes, at, t->end, ret, GO_NAME - 1) : 0;

	ret[n] = '\0';
}

/* Since 1.16 a unit has its own list of files, of places in the block of names. */
static void file_find(const struct go_table *t, uint32_t unit, int32_t number, char ret[GO_NAME])
{
	uint64_t at = t->magic == GO_1_2 ? t->files : t->units + 4 * (uint64_t)unit;
	uint64_t base = t->magic == GO_1_2 ? t->at : t->files, off;

	ret[0] = '\0';
	if (number < 0 || !word_at(t, at + 4 * (uint64_t)number, 4, &off) || off == UINT32_MAX)
		return;
	text_at(t, base + off, ret);
}

/* entry; i32 name, args, frame or deferreturn, pcsp, pcfile, pcln, npcdata; u32 unit (1.16) */
bool go_find(const struct go_table *t, uint64_t vaddr, struct go_function *ret)
{
	size_t entry = t->magic == GO_1_2 || t->magic == GO_1_16 ? t->word : 4;
	uint32_t f[8] = { 0 }; /* from the name on */
	uint64_t pc, record;
	int32_t value;

	if (!entry_find(t, vaddr, &pc, &record) ||
	    !read_at(t, record + entry, f, t->magic == GO_1_2 ? 28 : 32))
		return false;
	text_at(t, t->names + f[0], ret->name);
	ret->file[0] = '\0';
	ret->line = 0;
	if (pc_value(t, f[4], pc, vaddr, &value))
		file_find(t, f[7], value, ret->file);
	if (pc_value(t, f[5], pc, vaddr, &value) && value > 0)
		ret->line = (uint32_t)value;
	return ret->name[0];
}
