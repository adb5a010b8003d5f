/*
 * Writing gathers the strings while the rest is encoded, because they stand before it. Reading adds
 * to a new profile with its own functions, so what they hold to (bounds, equal ones are one) holds
 * here too; only the tree's parents are looked at here, since stacks are walked by them.
 */
#include "agg/profile_file.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/cur.h"
#include "base/intern.h"

#define MAGIC	   "PRTHPROF"
#define CRC_AT	   20
#define ZSTD_LEVEL 3
/* Of each element, so that a count can be checked before there is memory for it. */
#define STRING_BYTES 2
#define FRAME_BYTES  34
#define NODE_BYTES   8
#define SERIES_BYTES 1
#define SAMPLE_BYTES 8

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they are");

static uint32_t crc_of(const char *head, const char *stored, size_t n)
{
	uLong crc = crc32_z(0, (const Bytef *)head, CRC_AT);

	return (uint32_t)crc32_z(crc, (const Bytef *)stored, n);
}

/* --- writing --------------------------------------------------------------------------------------- */

struct writing {
	const struct profile *p;
	struct budget budget;
	struct intern strings;
	struct buf rest; /* what stands behind the strings */
	int err;
};

static void writing_free(struct writing *w)
{
	intern_free(&w->strings);
	buf_free(&w->rest);
}

static void put_u8(struct buf *b, uint8_t v)
{
	buf_char(b, (char)v);
}

static void put_u32(struct buf *b, size_t v)
{
	const uint32_t u = (uint32_t)v;

	buf_add(b, &u, sizeof(u));
}

static void put_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put_string(struct writing *w, struct str s)
{
	uint32_t id = 0;
	int err = s.n > PROFILE_STRING_MAX ? -ENOSPC : intern_put(&w->strings, s, &id);

	if (err && !w->err)
		w->err = err;
	put_u32(&w->rest, id);
}

static void opts_put(struct writing *w)
{
	const struct profile_opts *o = profile_opts(w->p);

	for (size_t i = 0; i < o->ntypes; i++) {
		put_string(w, o->types[i].type);
		put_string(w, o->types[i].unit);
	}
	put_string(w, o->period_type.type);
	put_string(w, o->period_type.unit);
	put_string(w, o->title);
}

static void frames_put(struct writing *w)
{
	size_t n;
	const struct frame *f = profile_frames(w->p, &n);

	put_u32(&w->rest, n);
	for (size_t i = 0; i < n; i++) {
		put_string(w, f[i].function);
		put_string(w, f[i].linkage);
		put_string(w, f[i].module);
		put_string(w, f[i].build_id);
		put_string(w, f[i].file);
		put_u32(&w->rest, f[i].line);
		put_u64(&w->rest, f[i].address);
		put_u8(&w->rest, (uint8_t)f[i].kind);
		put_u8(&w->rest, f[i].inlined);
	}
}

static void nodes_put(struct writing *w)
{
	size_t n;
	const struct profile_node *nodes = profile_nodes(w->p, &n);

	put_u32(&w->rest, n - 1);
	buf_add(&w->rest, nodes + 1, (n - 1) * sizeof(*nodes));
}

static void series_put(struct writing *w)
{
	size_t n = profile_series_count(w->p);

	put_u32(&w->rest, n - 1);
	for (size_t i = 1; i < n; i++) {
		size_t labels;
		const struct profile_label *l = profile_series_labels(w->p, (uint32_t)i, &labels);

		put_u8(&w->rest, (uint8_t)labels);
		for (size_t k = 0; k < labels; k++) {
			put_string(w, l[k].key);
			put_string(w, l[k].value);
		}
	}
}

static bool sample_counts(const struct profile_sample *s, size_t ntypes)
{
	for (size_t i = 0; i < ntypes; i++)
		if (s->value[i])
			return true;
	return false;
}

static void samples_put(struct writing *w)
{
	const size_t ntypes = profile_opts(w->p)->ntypes;
	size_t n, nnodes, wanted = 0;
	uint64_t steps = 0;
	const struct profile_sample *s = profile_samples(w->p, &n);
	const struct profile_node *nodes = profile_nodes(w->p, &nnodes);

	for (size_t i = 0; i < n; i++)
		wanted += sample_counts(&s[i], ntypes);
	put_u32(&w->rest, wanted);
	for (size_t i = 0; i < n; i++) {
		if (!sample_counts(&s[i], ntypes))
			continue;
		for (uint32_t at = s[i].node; at; at = nodes[at].parent)
			steps++;
		put_u32(&w->rest, s[i].node);
		put_u32(&w->rest, s[i].series);
		buf_add(&w->rest, s[i].value, ntypes * sizeof(s[i].value[0]));
	}
	if (steps > PROFILE_FILE_STEPS_MAX && !w->err)
		w->err = -EFBIG;
}

/* All of it, not compressed. */
static int raw_make(struct writing *w, struct buf *raw)
{
	const struct profile_opts *o = profile_opts(w->p);

	opts_put(w);
	frames_put(w);
	nodes_put(w);
	series_put(w);
	samples_put(w);
	put_u8(raw, (uint8_t)o->ntypes);
	put_u64(raw, o->period);
	put_u64(raw, (uint64_t)o->time_ns);
	put_u64(raw, o->duration_ns);
	put_u32(raw, w->strings.n - 1);
	for (uint32_t i = 1; i < w->strings.n; i++) {
		const struct str s = intern_get(&w->strings, i);
		const uint16_t n = (uint16_t)s.n;

		buf_add(raw, &n, sizeof(n));
		buf_str(raw, s);
	}
	buf_str(raw, buf_slice(&w->rest));
	if (w->err)
		return w->err == -ENOSPC ? -EFBIG : w->err;
	return raw->failed || w->rest.failed ? -EFBIG : 0;
}

static int raw_store(const struct buf *raw, struct buf *b)
{
	const size_t bound = ZSTD_compressBound(raw->n);
	char *to = buf_grow(b, PROFILE_FILE_HEAD + bound);
	const uint16_t version[2] = { PROFILE_FILE_VERSION, 0 };
	uint32_t sizes[2], crc;
	size_t n;

	if (!to)
		return -ENOMEM;
	n = ZSTD_compress(to + PROFILE_FILE_HEAD, bound, raw->p, raw->n, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return -ENOMEM;
	sizes[0] = (uint32_t)raw->n;
	sizes[1] = (uint32_t)n;
	memcpy(to, MAGIC, 8);
	memcpy(to + 8, version, sizeof(version));
	memcpy(to + 12, sizes, sizeof(sizes));
	crc = crc_of(to, to + PROFILE_FILE_HEAD, n);
	memcpy(to + CRC_AT, &crc, sizeof(crc));
	b->n += PROFILE_FILE_HEAD + n;
	return 0;
}

int profile_file_write(const struct profile *p, struct buf *b)
{
	_cleanup_(buf_free) struct buf raw = { .max = PROFILE_FILE_RAW_MAX };
	_cleanup_(writing_free) struct writing w = {
		.p = p,
		.budget.max = 2 * PROFILE_FILE_RAW_MAX,
		.rest.max = PROFILE_FILE_RAW_MAX,
	};
	int err = intern_init(&w.strings, &w.budget, PROFILE_FILE_STRINGS_MAX);

	if (!err)
		err = raw_make(&w, &raw);
	return err ? err : raw_store(&raw, b);
}

/* --- reading --------------------------------------------------------------------------------------- */

struct node {
	uint32_t parent, frame, depth;
};

struct reading {
	struct cur c;
	struct profile *p;
	struct profile_opts opts;
	struct str *strings;
	uint32_t *frames, *series; /* the profile's numbers, by the file's */
	struct node *nodes;
	size_t nstrings, nframes, nseries, nnodes; /* with number 0 where that is not in the file */
};

static void reading_free(struct reading *r)
{
	profile_free(r->p);
	free(r->strings);
	free(r->frames);
	free(r->series);
	free(r->nodes);
}

/* How many elements of at least @bytes follow; memory for one more, zeroed. 0, -EBADMSG, -ENOMEM. */
static int count_read(struct reading *r, size_t bytes, size_t max, size_t size, void *ret,
		      size_t *ret_n)
{
	uint32_t n;
	void *p;

	if (!cur_u32(&r->c, &n) || n > max || n > cur_left(&r->c) / bytes)
		return -EBADMSG;
	p = calloc((size_t)n + 1, size);
	if (!p)
		return -ENOMEM;
	*(void **)ret = p;
	*ret_n = n;
	return 0;
}

static bool string_read(struct reading *r, struct str *ret)
{
	uint32_t at;

	if (!cur_u32(&r->c, &at) || at >= r->nstrings)
		return false;
	*ret = r->strings[at];
	return true;
}

static int strings_read(struct reading *r)
{
	size_t n;
	int err = count_read(r, STRING_BYTES, PROFILE_FILE_STRINGS_MAX, sizeof(*r->strings),
			     &r->strings, &n);

	if (err)
		return err;
	r->nstrings = n + 1;
	r->strings[0] = STR_NONE;
	for (size_t i = 1; i <= n; i++) {
		uint16_t bytes;

		if (!cur_u16(&r->c, &bytes) || bytes > PROFILE_STRING_MAX ||
		    !cur_str(&r->c, bytes, &r->strings[i]))
			return -EBADMSG;
	}
	return 0;
}

static bool type_read(struct reading *r, struct profile_type *ret)
{
	return string_read(r, &ret->type) && string_read(r, &ret->unit);
}

static int opts_read(struct reading *r)
{
	uint64_t time;
	uint8_t ntypes;
	int err;

	if (!cur_u8(&r->c, &ntypes) || ntypes < 1 || ntypes > PROFILE_TYPES_MAX ||
	    !cur_u64(&r->c, &r->opts.period) || !cur_u64(&r->c, &time) ||
	    !cur_u64(&r->c, &r->opts.duration_ns))
		return -EBADMSG;
	r->opts.ntypes = ntypes;
	r->opts.time_ns = (int64_t)time;
	err = strings_read(r);
	for (size_t i = 0; i < ntypes && !err; i++)
		err = type_read(r, &r->opts.types[i]) ? 0 : -EBADMSG;
	if (!err && (!type_read(r, &r->opts.period_type) || !string_read(r, &r->opts.title)))
		err = -EBADMSG;
	return err ? err : profile_new(&r->opts, &r->p);
}

static bool frame_read(struct reading *r, struct frame *f)
{
	struct cur *c = &r->c;
	uint8_t kind, inlined;

	if (!string_read(r, &f->function) || !string_read(r, &f->linkage) ||
	    !string_read(r, &f->module) || !string_read(r, &f->build_id) ||
	    !string_read(r, &f->file) || !cur_u32(c, &f->line) || !cur_u64(c, &f->address) ||
	    !cur_u8(c, &kind) || !cur_u8(c, &inlined) || kind >= FRAME_KINDS || inlined > 1)
		return false;
	f->kind = (enum frame_kind)kind;
	f->inlined = inlined;
	return true;
}

static int frames_read(struct reading *r)
{
	int err = count_read(r, FRAME_BYTES, PROFILE_FRAMES_MAX, sizeof(*r->frames), &r->frames,
			     &r->nframes);

	for (size_t i = 0; i < r->nframes && !err; i++) {
		struct frame f = { 0 };

		if (!frame_read(r, &f))
			return -EBADMSG;
		err = profile_frame(r->p, &f, &r->frames[i]);
		if (err == -ENOSPC) {
			r->frames[i] = PROFILE_FRAME_FULL;
			err = 0;
		}
	}
	return err;
}

/* A parent's number is smaller, so every walk ends; and no stack is deeper than a profile's. */
static int nodes_read(struct reading *r)
{
	size_t n;
	int err = count_read(r, NODE_BYTES, PROFILE_NODES_MAX, sizeof(*r->nodes), &r->nodes, &n);

	if (err)
		return err;
	r->nnodes = n + 1;
	for (size_t i = 1; i <= n; i++) {
		struct node *to = &r->nodes[i];

		if (!cur_u32(&r->c, &to->parent) || !cur_u32(&r->c, &to->frame) ||
		    to->parent >= i || to->frame >= r->nframes)
			return -EBADMSG;
		to->depth = r->nodes[to->parent].depth + 1;
		if (to->depth > PROFILE_DEPTH_MAX + 1)
			return -EBADMSG;
	}
	return 0;
}

static int series_one(struct reading *r, uint32_t *ret)
{
	struct profile_label l[PROFILE_LABELS_MAX];
	uint8_t n;
	int err;

	if (!cur_u8(&r->c, &n) || n > PROFILE_LABELS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		if (!string_read(r, &l[i].key) || !string_read(r, &l[i].value))
			return -EBADMSG;
	err = profile_series(r->p, l, n, ret);
	if (err == -ENOSPC) {
		*ret = PROFILE_SERIES_NONE;
		err = 0;
	}
	return err == -EINVAL ? -EBADMSG : err;
}

static int series_read(struct reading *r)
{
	size_t n = 0;
	int err = count_read(r, SERIES_BYTES, PROFILE_SERIES_MAX, sizeof(*r->series), &r->series, &n);

	r->nseries = n + 1;
	for (size_t i = 1; i <= n && !err; i++)
		err = series_one(r, &r->series[i]);
	return err;
}

static int sample_read(struct reading *r, uint64_t *steps)
{
	uint32_t stack[PROFILE_DEPTH_MAX + 1], node, series;
	uint64_t values[PROFILE_TYPES_MAX];
	size_t n = 0;

	if (!cur_u32(&r->c, &node) || !cur_u32(&r->c, &series) ||
	    !cur_copy(&r->c, values, r->opts.ntypes * sizeof(values[0])) || node >= r->nnodes ||
	    series >= r->nseries)
		return -EBADMSG;
	*steps += r->nodes[node].depth;
	if (*steps > PROFILE_FILE_STEPS_MAX)
		return -EBADMSG;
	for (uint32_t at = node; at; at = r->nodes[at].parent)
		stack[n++] = r->frames[r->nodes[at].frame];
	return profile_add(r->p, r->series[series], stack, n, values);
}

static int samples_read(struct reading *r)
{
	uint64_t steps = 0;
	uint32_t n;
	int err = 0;

	if (!cur_u32(&r->c, &n) || n > PROFILE_SAMPLES_MAX || n > cur_left(&r->c) / SAMPLE_BYTES)
		return -EBADMSG;
	for (uint32_t i = 0; i < n && !err; i++)
		err = sample_read(r, &steps);
	return !err && cur_left(&r->c) ? -EBADMSG : err;
}

static int raw_read(struct cur c, struct profile **ret)
{
	_cleanup_(reading_free) struct reading r = { .c = c };
	int err = opts_read(&r);

	if (!err)
		err = frames_read(&r);
	if (!err)
		err = nodes_read(&r);
	if (!err)
		err = series_read(&r);
	if (!err)
		err = samples_read(&r);
	if (!err)
		*ret = take_ptr(r.p);
	return err;
}

int profile_file_read(struct str bytes, struct profile **ret)
{
	_cleanup_(freep) char *raw = NULL;
	struct cur c = cur_of(bytes.p, bytes.n);
	char magic[8];
	uint16_t version[2];
	uint32_t raw_n, stored_n, crc;

	if (!cur_copy(&c, magic, sizeof(magic)) || memcmp(magic, MAGIC, sizeof(magic)) != 0 ||
	    !cur_copy(&c, version, sizeof(version)))
		return -EBADMSG;
	if (version[0] != PROFILE_FILE_VERSION)
		return -ENOTSUP;
	if (!cur_u32(&c, &raw_n) || !cur_u32(&c, &stored_n) || !cur_u32(&c, &crc) ||
	    stored_n != cur_left(&c) || raw_n > PROFILE_FILE_RAW_MAX ||
	    crc != crc_of(bytes.p, (const char *)c.p, stored_n))
		return -EBADMSG;
	raw = malloc(raw_n ? raw_n : 1);
	if (!raw)
		return -ENOMEM;
	if (ZSTD_decompress(raw, raw_n, c.p, stored_n) != raw_n)
		return -EBADMSG;
	return raw_read(cur_of(raw, raw_n), ret);
}
