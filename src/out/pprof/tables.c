/* The numbered tables of a profile.proto. Numbers are positions + 1, except for strings. */
#include "out/pprof/tables.h"

#include "base/hash.h"
#include "base/utf8.h"

#define TABLE_MAX (1u << 26)

static uint64_t mix(uint64_t h, uint64_t v)
{
	return hash_u64(h ^ v);
}

static uint64_t mapping_hash(const struct pprof_mapping *m)
{
	return hash_u64((uint64_t)m->file << 32 | m->build_id);
}

static uint64_t function_hash(const struct pprof_function *f)
{
	return mix(hash_u64((uint64_t)f->name << 32 | f->file), f->system_name);
}

/* Of a label, @n is 0 and its one line tells. */
static uint64_t location_hash(const uint32_t *frames, size_t n, uint32_t label)
{
	uint64_t h = hash_u64((uint64_t)label << 32 | n);

	for (size_t i = 0; i < n; i++)
		h = mix(h, frames[i]);
	return h;
}

static uint64_t mapping_hash_of(const void *ctx, uint32_t at)
{
	return mapping_hash(&((const struct pprof_tables *)ctx)->mappings[at]);
}

static uint64_t function_hash_of(const void *ctx, uint32_t at)
{
	return function_hash(&((const struct pprof_tables *)ctx)->functions[at]);
}

static uint32_t location_label(const struct pprof_tables *t, const struct pprof_location *l)
{
	return l->nframes ? 0 : t->lines[l->first].function;
}

static uint64_t location_hash_of(const void *ctx, uint32_t at)
{
	const struct pprof_tables *t = ctx;
	const struct pprof_location *l = &t->locations[at];

	return location_hash(t->frames + l->frames, l->nframes, location_label(t, l));
}

int pprof_tables_init(struct pprof_tables *t, const struct profile *p)
{
	size_t n;

	*t = (struct pprof_tables){ .budget.max = PROFILE_BYTES_MAX };
	t->of = profile_frames(p, &n);
	return intern_init(&t->strings, &t->budget, TABLE_MAX);
}

void pprof_tables_free(struct pprof_tables *t)
{
	intern_free(&t->strings);
	free(t->mappings);
	free(t->functions);
	free(t->locations);
	free(t->lines);
	free(t->frames);
	slots_free(&t->by_mapping);
	slots_free(&t->by_function);
	slots_free(&t->by_location);
	buf_free(&t->text);
}

static bool all_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* As the head of tables.h says; the backslash stays single, as in names of PHP. */
static void text_clean(struct buf *b, struct str s)
{
	for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		if (!n)
			buf_str(b, STR("\xef\xbf\xbd"));
		else if (s.p[i] == '\\')
			buf_char(b, '\\');
		else
			buf_text(b, (struct str){ s.p + i, n });
	}
}

int pprof_string(struct pprof_tables *t, struct str s, uint32_t *ret)
{
	if (all_plain(s))
		return intern_put(&t->strings, s, ret);
	buf_reset(&t->text);
	text_clean(&t->text, s);
	if (t->text.failed)
		return -ENOMEM;
	return intern_put(&t->strings, buf_slice(&t->text), ret);
}

/* *@ret 0: the frame is in no file. */
static int mapping_of(struct pprof_tables *t, const struct frame *f, uint32_t *ret)
{
	struct pprof_mapping m = { 0 };
	uint64_t hash;
	int err = 0;

	if (f->kind == FRAME_MARK || f->kind == FRAME_INTERP || (!f->module.n && !f->build_id.n)) {
		*ret = 0;
		return 0;
	}
	err = pprof_string(t, f->module, &m.file);
	if (!err)
		err = pprof_string(t, f->build_id, &m.build_id);
	if (err)
		return err;
	hash = mapping_hash(&m);
	SLOTS_EACH(&t->by_mapping, hash, at)
	if (t->mappings[at].file == m.file && t->mappings[at].build_id == m.build_id) {
		*ret = at + 1;
		return 0;
	}
	err = grow_array(&t->budget, &t->mappings, t->nmappings, &t->cap_mappings, sizeof(m),
			 TABLE_MAX);
	if (!err)
		err = slots_room(&t->by_mapping, &t->budget, mapping_hash_of, t);
	if (err)
		return err;
	t->mappings[t->nmappings] = m;
	slots_put(&t->by_mapping, hash, (uint32_t)t->nmappings++);
	*ret = (uint32_t)t->nmappings;
	return 0;
}

static int function_put(struct pprof_tables *t, struct pprof_function f, uint32_t *ret)
{
	uint64_t hash = function_hash(&f);
	int err;

	SLOTS_EACH(&t->by_function, hash, at)
	if (t->functions[at].name == f.name && t->functions[at].file == f.file &&
	    t->functions[at].system_name == f.system_name) {
		*ret = at + 1;
		return 0;
	}
	err = grow_array(&t->budget, &t->functions, t->nfunctions, &t->cap_functions, sizeof(f),
			 TABLE_MAX);
	if (!err)
		err = slots_room(&t->by_function, &t->budget, function_hash_of, t);
	if (err)
		return err;
	t->functions[t->nfunctions] = f;
	slots_put(&t->by_function, hash, (uint32_t)t->nfunctions++);
	*ret = (uint32_t)t->nfunctions;
	return 0;
}

static int function_of(struct pprof_tables *t, const struct frame *f, uint32_t *ret)
{
	struct pprof_function k;
	int err = pprof_string(t, f->function, &k.name);

	if (!err)
		err = pprof_string(t, f->linkage.n ? f->linkage : f->function, &k.system_name);
	if (!err)
		err = pprof_string(t, f->file, &k.file);
	return err ? err : function_put(t, k, ret);
}

static int line_put(struct pprof_tables *t, uint32_t function, uint32_t line)
{
	int err = grow_array(&t->budget, &t->lines, t->nlines, &t->cap_lines, sizeof(*t->lines),
			     TABLE_MAX);

	if (!err)
		t->lines[t->nlines++] = (struct pprof_line){ function, line };
	return err;
}

static int frames_keep(struct pprof_tables *t, const uint32_t *frames, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		err = grow_array(&t->budget, &t->frames, t->nframes, &t->cap_frames,
				 sizeof(*frames), TABLE_MAX);
		if (!err)
			t->frames[t->nframes++] = frames[i];
	}
	return err;
}

static int location_put(struct pprof_tables *t, struct pprof_location l, uint64_t hash, uint32_t *ret)
{
	int err = grow_array(&t->budget, &t->locations, t->nlocations, &t->cap_locations, sizeof(l),
			     TABLE_MAX);

	if (!err)
		err = slots_room(&t->by_location, &t->budget, location_hash_of, t);
	if (err)
		return err;
	t->locations[t->nlocations] = l;
	slots_put(&t->by_location, hash, (uint32_t)t->nlocations++);
	*ret = (uint32_t)t->nlocations;
	return 0;
}

/* What the mapping's has_* say is lowered by each location that lacks something. */
static void mapping_note(struct pprof_mapping *m, const struct frame *f)
{
	m->no_function |= !f->function.n;
	m->no_file |= !f->file.n;
	m->no_line |= !f->line;
	m->inlined |= f->inlined;
}

static int location_make(struct pprof_tables *t, const uint32_t *frames, size_t n,
			 struct pprof_location *l)
{
	const struct frame *outer = &t->of[frames[n - 1]];
	uint32_t function;
	int err = mapping_of(t, outer, &l->mapping);

	l->first = (uint32_t)t->nlines;
	l->frames = (uint32_t)t->nframes;
	l->nframes = (uint32_t)n;
	l->address = outer->kind == FRAME_MARK ? 0 : outer->address;
	for (size_t i = 0; !err && i < n; i++) {
		const struct frame *f = &t->of[frames[i]];

		if (l->mapping)
			mapping_note(&t->mappings[l->mapping - 1], f);
		if (!f->function.n)
			continue;
		err = function_of(t, f, &function);
		if (!err)
			err = line_put(t, function, f->line);
	}
	l->n = (uint32_t)t->nlines - l->first;
	return err ? err : frames_keep(t, frames, n);
}

int pprof_location(struct pprof_tables *t, const uint32_t *frames, size_t n, uint32_t *ret)
{
	uint64_t hash = location_hash(frames, n, 0);
	struct pprof_location l;
	int err;

	SLOTS_EACH(&t->by_location, hash, at)
	{
		const struct pprof_location *k = &t->locations[at];

		if (k->nframes == n &&
		    memcmp(t->frames + k->frames, frames, n * sizeof(*frames)) == 0) {
			*ret = at + 1;
			return 0;
		}
	}
	err = location_make(t, frames, n, &l);
	return err ? err : location_put(t, l, hash, ret);
}

int pprof_location_label(struct pprof_tables *t, struct str name, uint32_t *ret)
{
	struct pprof_function f = { 0 };
	struct pprof_location l = { .n = 1 };
	uint32_t function;
	uint64_t hash;
	int err = pprof_string(t, name, &f.name);

	f.system_name = f.name;
	if (!err)
		err = function_put(t, f, &function);
	if (err)
		return err;
	hash = location_hash(NULL, 0, function);
	SLOTS_EACH(&t->by_location, hash, at)
	if (!t->locations[at].nframes && location_label(t, &t->locations[at]) == function) {
		*ret = at + 1;
		return 0;
	}
	l.first = (uint32_t)t->nlines;
	err = line_put(t, function, 0);
	return err ? err : location_put(t, l, hash, ret);
}
