/*
 * Two walks over the message, since its tables may stand in any order: the tables first, sorted by
 * their ids, then the samples. Ids are any numbers; a number that no table has is nothing, as pprof
 * itself would refuse it: the file is damaged.
 */
#include "agg/profile_pprof.h"

#include <errno.h>
#include <stdio.h>
#include <zlib.h>

#include "agg/pprof_fields.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/grow.h"
#include "base/protobuf_read.h"

#define CHUNK	   65536
#define MEMORY_MAX (512u << 20) /* of the tables */

/* Begins each entry of a table. */
struct entry {
	uint64_t id;
};

struct mapping {
	uint64_t id;
	uint64_t file, build_id; /* numbers of strings */
};

struct function {
	uint64_t id;
	uint64_t name, system_name, file;
};

struct location {
	uint64_t id;
	uint64_t mapping, address;
	uint32_t first, n; /* lines; then frames, as many, at least one */
};

struct line {
	uint64_t function, line;
};

struct table {
	void *p;
	size_t n, cap, size;
};

struct reader {
	struct str raw;
	struct budget budget;
	struct str *strings;
	size_t nstrings, cap_strings;
	struct table mappings, functions, locations;
	struct line *lines;
	size_t nlines, cap_lines;
	uint32_t *frames; /* of all locations */
	size_t nframes, cap_frames;
	uint64_t types[PROFILE_TYPES_MAX][2]; /* numbers of strings: type, unit */
	size_t ntypes, types_told, first;     /* first: the type that comes first */
	uint64_t default_type, comment, period_type[2], period, time_ns, duration_ns;
	uint64_t steps;
	struct profile *p;
};

static void reader_free(struct reader *r)
{
	free(r->strings);
	free(r->mappings.p);
	free(r->functions.p);
	free(r->locations.p);
	free(r->lines);
	free(r->frames);
	profile_free(r->p);
}

static int too_big(int err)
{
	return err == -ENOSPC ? -EFBIG : err;
}

/* --- tables ---------------------------------------------------------------------------------------- */

static int entry_add(struct reader *r, struct table *t, const void *entry, size_t size)
{
	int err = grow_array(&r->budget, &t->p, t->n, &t->cap, size, PPROF_ENTRIES_MAX);

	if (err)
		return too_big(err);
	t->size = size;
	memcpy((char *)t->p + t->n++ * size, entry, size);
	return 0;
}

static int entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const void *entry_find(const struct table *t, uint64_t id)
{
	const struct entry key = { id };

	return t->n && id ? bsearch(&key, t->p, t->n, t->size, entry_cmp) : NULL;
}

static int string_add(struct reader *r, struct str s)
{
	int err = grow_array(&r->budget, &r->strings, r->nstrings, &r->cap_strings, sizeof(s),
			     PPROF_STRINGS_MAX);

	if (!err)
		r->strings[r->nstrings++] = s;
	return too_big(err);
}

static struct str string_at(const struct reader *r, uint64_t i)
{
	return i < r->nstrings ? r->strings[i] : STR_NONE;
}

/* Fields 1 .. @n of message @c, those that are numbers; 0 where absent. False: damaged. */
static bool numbers_read(struct cur c, uint64_t *ret, size_t n)
{
	struct pb_field f;

	while (pb_read(&c, &f))
		if (f.number <= n && f.wire != PB_LEN)
			ret[f.number - 1] = f.value;
	return !cur_left(&c);
}

static int type_add(struct reader *r, struct cur c)
{
	uint64_t v[2] = { 0 };

	if (!numbers_read(c, v, 2))
		return -EBADMSG;
	if (r->types_told++ < PROFILE_TYPES_MAX)
		memcpy(r->types[r->ntypes++], v, sizeof(v));
	return 0;
}

static int mapping_add(struct reader *r, struct cur c)
{
	uint64_t v[6] = { 0 };

	if (!numbers_read(c, v, 6))
		return -EBADMSG;
	return entry_add(r, &r->mappings, &(struct mapping){ v[0], v[4], v[5] },
			 sizeof(struct mapping));
}

static int function_add(struct reader *r, struct cur c)
{
	uint64_t v[4] = { 0 };

	if (!numbers_read(c, v, 4))
		return -EBADMSG;
	return entry_add(r, &r->functions, &(struct function){ v[0], v[1], v[2], v[3] },
			 sizeof(struct function));
}

static int line_add(struct reader *r, struct cur c)
{
	uint64_t v[2] = { 0 };
	int err;

	if (!numbers_read(c, v, 2))
		return -EBADMSG;
	err = grow_array(&r->budget, &r->lines, r->nlines, &r->cap_lines, sizeof(*r->lines),
			 PPROF_LINES_MAX);
	if (!err)
		r->lines[r->nlines++] = (struct line){ v[0], v[1] };
	return too_big(err);
}

static int location_add(struct reader *r, struct cur c)
{
	struct location l = { .first = (uint32_t)r->nlines };
	struct pb_field f;
	int err = 0;

	while (!err && pb_read(&c, &f)) {
		if (f.number == LOCATION_ID)
			l.id = f.value;
		else if (f.number == LOCATION_MAPPING_ID)
			l.mapping = f.value;
		else if (f.number == LOCATION_ADDRESS)
			l.address = f.value;
		else if (f.number == LOCATION_LINE && f.wire == PB_LEN && l.n < PPROF_LOCATION_MAX) {
			err = line_add(r, f.bytes);
			l.n++;
		}
	}
	if (!err && cur_left(&c))
		err = -EBADMSG;
	return err ? err : entry_add(r, &r->locations, &l, sizeof(l));
}

static int period_type_set(struct reader *r, struct cur c)
{
	return numbers_read(c, r->period_type, 2) ? 0 : -EBADMSG;
}

static int table_read(struct reader *r, struct pb_field *f)
{
	static const struct {
		uint32_t number;
		int (*add)(struct reader *r, struct cur c);
	} messages[] = {
		{ PROFILE_SAMPLE_TYPE, type_add },	  { PROFILE_MAPPING, mapping_add },
		{ PROFILE_LOCATION, location_add },	  { PROFILE_FUNCTION, function_add },
		{ PROFILE_PERIOD_TYPE, period_type_set },
	};
	bool one = false;

	if (f->number == PROFILE_STRING_TABLE && f->wire == PB_LEN)
		return string_add(r, pb_str(f));
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].number == f->number)
			return f->wire == PB_LEN ? messages[i].add(r, f->bytes) : -EBADMSG;
	if (f->number == PROFILE_TIME_NANOS)
		r->time_ns = f->value;
	else if (f->number == PROFILE_DURATION_NANOS)
		r->duration_ns = f->value;
	else if (f->number == PROFILE_PERIOD)
		r->period = f->value;
	else if (f->number == PROFILE_DEFAULT_SAMPLE_TYPE)
		r->default_type = f->value;
	else if (f->number == PROFILE_COMMENT && !r->comment)
		(void)pb_number(f, &one, &r->comment);
	return 0;
}

static int tables_read(struct reader *r)
{
	struct cur c = cur_of(r->raw.p, r->raw.n);
	struct table *all[] = { &r->mappings, &r->functions, &r->locations };
	struct pb_field f;
	int err = 0;

	while (!err && pb_read(&c, &f))
		err = table_read(r, &f);
	if (err)
		return err;
	/* The schema wants the empty string first; without it this is some other file. */
	if (cur_left(&c) || !r->ntypes || !r->nstrings || r->strings[0].n)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->n)
			qsort(all[i]->p, all[i]->n, all[i]->size, entry_cmp);
	r->first = r->ntypes - 1;
	for (size_t i = 0; i < r->ntypes; i++)
		if (r->default_type && r->types[i][0] == r->default_type)
			r->first = i;
	return 0;
}

/* --- frames ---------------------------------------------------------------------------------------- */

static bool in_brackets(struct str s)
{
	return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
}

static enum frame_kind kind_of(const struct frame *f)
{
	if (str_starts(f->module, STR("[kernel")) || str_ends(f->module, STR(".ko")) ||
	    str_starts(f->module, STR("[guest.kernel")))
		return FRAME_KERNEL;
	if (str_starts(f->module, STR("[jit]")) || str_starts(f->module, STR("//anon")))
		return FRAME_JIT;
	if (!f->module.n && str_ends(f->file, STR(".py")))
		return FRAME_INTERP;
	return !f->module.n && in_brackets(f->function) ? FRAME_MARK : FRAME_NATIVE;
}

static int frame_make(struct reader *r, const struct location *l, const struct line *line,
		      bool inlined)
{
	const struct mapping *m = entry_find(&r->mappings, l->mapping);
	const struct function *fn = line ? entry_find(&r->functions, line->function) : NULL;
	struct frame f = { .address = l->address, .inlined = inlined };
	int err;

	if ((l->mapping && !m) || (line && line->function && !fn))
		return -EBADMSG;
	if (m) {
		f.module = string_at(r, m->file);
		f.build_id = string_at(r, m->build_id);
	}
	if (fn) {
		f.function = string_at(r, fn->name);
		f.linkage = string_at(r, fn->system_name);
		f.file = string_at(r, fn->file);
		if (!f.function.n)
			f.function = f.linkage;
		if (str_eq(f.function, f.linkage))
			f.linkage = STR_NONE;
	}
	f.line = line && line->line <= INT32_MAX ? (uint32_t)line->line : 0;
	f.kind = kind_of(&f);
	err = grow_array(&r->budget, &r->frames, r->nframes, &r->cap_frames, sizeof(*r->frames),
			 PPROF_LINES_MAX + PPROF_ENTRIES_MAX);
	if (!err)
		err = profile_frame(r->p, &f, &r->frames[r->nframes]);
	if (!err)
		r->nframes++;
	return too_big(err);
}

static int frames_make(struct reader *r)
{
	struct location *l = r->locations.p;
	int err = 0;

	for (size_t i = 0; !err && i < r->locations.n; i++, l++) {
		const struct line *lines = r->lines + l->first;
		const uint32_t n = l->n;

		l->first = (uint32_t)r->nframes;
		l->n = n ? n : 1;
		for (uint32_t k = 0; !err && k < l->n; k++)
			err = frame_make(r, l, n ? &lines[k] : NULL, k + 1 < n);
	}
	return err;
}

/* --- samples --------------------------------------------------------------------------------------- */

struct sample {
	uint32_t stack[PROFILE_DEPTH_MAX + 1];
	size_t n;
	uint64_t values[PROFILE_TYPES_MAX];
	size_t nvalues;
	struct profile_label labels[PROFILE_LABELS_MAX];
	char numbers[PROFILE_LABELS_MAX][24];
	size_t nlabels;
};

static int locations_read(struct reader *r, struct pb_field *f, struct sample *s)
{
	const size_t most = sizeof(s->stack) / sizeof(s->stack[0]);
	bool one = false;
	uint64_t id;

	while (pb_number(f, &one, &id)) {
		const struct location *l = entry_find(&r->locations, id);

		if (!l)
			return -EBADMSG;
		if (++r->steps + l->n > PPROF_STEPS_MAX)
			return -EFBIG;
		for (uint32_t k = 0; k < l->n && s->n < most; k++, r->steps++)
			s->stack[s->n++] = r->frames[l->first + k];
	}
	return cur_left(&f->bytes) ? -EBADMSG : 0;
}

/* The type that comes first changes places with the one that did. */
static int values_read(struct reader *r, struct pb_field *f, struct sample *s)
{
	bool one = false;
	uint64_t v;

	while (pb_number(f, &one, &v)) {
		const size_t i = s->nvalues++;

		if (v > INT64_MAX)
			return -EDOM;
		if (i < r->ntypes)
			s->values[i == r->first ? 0 : i == 0 ? r->first : i] = v;
	}
	return cur_left(&f->bytes) ? -EBADMSG : 0;
}

static bool label_known(const struct sample *s, struct str key)
{
	for (size_t i = 0; i < s->nlabels; i++)
		if (str_eq(s->labels[i].key, key))
			return true;
	return false;
}

static int label_read(struct reader *r, struct cur c, struct sample *s)
{
	uint64_t v[3] = { 0 };
	struct profile_label l;

	if (!numbers_read(c, v, 3))
		return -EBADMSG;
	l.key = string_at(r, v[0]);
	l.value = string_at(r, v[1]);
	if (!l.key.n || s->nlabels == PROFILE_LABELS_MAX || label_known(s, l.key))
		return 0;
	if (!l.value.n) {
		char *text = s->numbers[s->nlabels];

		snprintf(text, sizeof(s->numbers[0]), "%lld", (long long)v[2]);
		l.value = str_of(text);
	}
	s->labels[s->nlabels++] = l;
	return 0;
}

static int sample_read(struct reader *r, struct cur c, struct sample *s)
{
	uint32_t series = PROFILE_SERIES_NONE;
	struct pb_field f;
	int err = 0;

	s->n = s->nvalues = s->nlabels = 0;
	memset(s->values, 0, sizeof(s->values));
	while (!err && pb_read(&c, &f)) {
		if (f.number == SAMPLE_LOCATION_ID)
			err = locations_read(r, &f, s);
		else if (f.number == SAMPLE_VALUE)
			err = values_read(r, &f, s);
		else if (f.number == SAMPLE_LABEL && f.wire == PB_LEN)
			err = label_read(r, f.bytes, s);
	}
	if (!err && (cur_left(&c) || s->nvalues != r->types_told))
		err = -EBADMSG;
	if (!err)
		err = profile_series(r->p, s->labels, s->nlabels, &series);
	if (err == -ENOSPC)
		err = 0; /* counted there */
	return err ? err : profile_add(r->p, series, s->stack, s->n, s->values);
}

static int samples_read(struct reader *r)
{
	_cleanup_(freep) struct sample *s = malloc(sizeof(*s));
	struct cur c = cur_of(r->raw.p, r->raw.n);
	struct pb_field f;
	int err = s ? 0 : -ENOMEM;

	while (!err && pb_read(&c, &f))
		if (f.number == PROFILE_SAMPLE)
			err = f.wire == PB_LEN ? sample_read(r, f.bytes, s) : -EBADMSG;
	return err;
}

static int target_make(struct reader *r)
{
	struct profile_opts o = {
		.ntypes = r->ntypes,
		.period_type = { string_at(r, r->period_type[0]), string_at(r, r->period_type[1]) },
		.period = r->period,
		.time_ns = r->time_ns > INT64_MAX ? 0 : (int64_t)r->time_ns,
		.duration_ns = r->duration_ns > INT64_MAX ? 0 : r->duration_ns,
		.title = string_at(r, r->comment),
	};

	for (size_t i = 0; i < r->ntypes; i++) {
		const uint64_t *t = r->types[i == 0 ? r->first : i == r->first ? 0 : i];

		o.types[i] = (struct profile_type){ string_at(r, t[0]), string_at(r, t[1]) };
	}
	return too_big(profile_new(&o, &r->p));
}

/* --- unpacking ------------------------------------------------------------------------------------- */

/* Files of several members one after the other are one, as gzip(1) takes them. */
static int unpack(struct str bytes, struct buf *b)
{
	z_stream z = { .next_in = (Bytef *)bytes.p, .avail_in = (uInt)bytes.n };
	int did = inflateInit2(&z, 15 + 16), err = did == Z_OK ? 0 : -ENOMEM;

	if (err)
		return err;
	while (!err && (z.avail_in || did != Z_STREAM_END)) {
		char *to = buf_grow(b, CHUNK);

		if (did == Z_STREAM_END && inflateReset(&z) != Z_OK)
			err = -EBADMSG;
		if (!to || err) {
			err = err ? err : -EFBIG;
			break;
		}
		z.next_out = (Bytef *)to;
		z.avail_out = CHUNK;
		did = inflate(&z, Z_NO_FLUSH);
		b->n += CHUNK - z.avail_out;
		if (did != Z_OK && did != Z_STREAM_END)
			err = did == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	}
	inflateEnd(&z);
	return err;
}

int profile_pprof_read(struct str bytes, struct profile **ret)
{
	_cleanup_(buf_free) struct buf raw = { .max = PPROF_RAW_MAX };
	_cleanup_(reader_free) struct reader r = { .budget = { .max = MEMORY_MAX }, .raw = bytes };
	static int (*const steps[])(struct reader *r) = { tables_read, target_make, frames_make,
							  samples_read };
	int err = bytes.n > PPROF_FILE_MAX ? -EFBIG : 0;

	if (!err && str_starts(bytes, STR("\x1f\x8b"))) {
		err = unpack(bytes, &raw);
		r.raw = buf_slice(&raw);
	}
	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
		err = steps[i](&r);
	if (err)
		return err;
	*ret = take_ptr(r.p);
	return 0;
}
