/*
 * Files -> slots (modules) by a hash; results by (slot's number, offset) in one block that is
 * dropped whole when it is full: what is hot comes back at once, and nothing is kept in lists.
 *
 *     files  key ----> slot { number, module, last use }
 *     heads[hash] ---> result ---> result       in `results`, as 32-bit offsets
 */
#include "symbol/symbols.h"

#include <errno.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define HEADS	16384
#define SCRATCH (128u << 10) /* texts of one lookup */

struct slot {
	struct module *module;
	uint32_t number; /* never used again */
	uint64_t used;	 /* tick of the clock of uses */
	uint64_t used_ns;
	size_t bytes;
};

struct file {
	struct symbols_file key;
	struct slot *slot;
	UT_hash_handle hh;
};

struct result {
	uint64_t off;
	uint32_t number, next; /* next: offset in results + 1; 0: the last */
	uint32_t n;
	bool returned;
	struct frame frame[];
};

struct symbols {
	struct symbols_opts o;
	struct file *files;
	struct slot **slot;
	unsigned nslots;
	uint32_t last_number;
	uint64_t uses, now_ns;
	size_t bytes; /* of modules */
	struct arena results, scratch;
	uint32_t heads[HEADS];
	struct lines *lines;
	struct symbols_counts counts;
	struct module_counts gone; /* of modules that were closed */
};

int symbols_open(const struct symbols_opts *o, struct symbols **ret)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->o.bytes_max = o->bytes_max ? o->bytes_max : SYMBOLS_BYTES;
	s->o.modules_max = o->modules_max ? o->modules_max : SYMBOLS_MODULES;
	s->slot = calloc(s->o.modules_max + 1, sizeof(struct slot *));
	if (!s->slot || arena_init(&s->results, SYMBOLS_RESULTS) < 0 ||
	    arena_init(&s->scratch, SCRATCH) < 0 || (o->lines && lines_new(&s->lines) < 0)) {
		symbols_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

static void counts_add(struct module_counts *to, const struct module_counts *c)
{
	to->symbols_cut += c->symbols_cut;
	to->debugdata_wrong += c->debugdata_wrong;
	to->debugfile_wrong += c->debugfile_wrong;
	to->names_cut += c->names_cut;
	to->lines_lost += c->lines_lost;
	to->text_full += c->text_full;
}

static void slot_close(struct symbols *s, unsigned i)
{
	struct slot *slot = s->slot[i];
	struct file *f, *next;

	HASH_ITER(hh, s->files, f, next) {
		if (f->slot != slot)
			continue;
		HASH_DEL(s->files, f);
		free(f);
	}
	counts_add(&s->gone, module_counts(slot->module));
	s->bytes -= slot->bytes;
	module_free(slot->module);
	free(slot);
	s->slot[i] = s->slot[--s->nslots];
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	while (s->nslots)
		slot_close(s, s->nslots - 1);
	free(s->slot);
	arena_free(&s->results);
	arena_free(&s->scratch);
	lines_free(s->lines);
	free(s);
}

/* Closes what was used longest ago until the bounds hold; what was used last stays. */
static void bounds_keep(struct symbols *s)
{
	while (s->nslots > 1 &&
	       (s->nslots > s->o.modules_max || s->bytes + s->results.n > s->o.bytes_max ||
		HASH_COUNT(s->files) > SYMBOLS_FILES)) {
		unsigned oldest = 0;

		for (unsigned i = 1; i < s->nslots; i++)
			if (s->slot[i]->used < s->slot[oldest]->used)
				oldest = i;
		s->counts.evicted++;
		slot_close(s, oldest);
	}
}

static struct file *file_find(struct symbols *s, const struct symbols_file *key)
{
	struct file *f;

	HASH_FIND(hh, s->files, key, sizeof(*key), f);
	return f;
}

static void slot_use(struct symbols *s, struct slot *slot)
{
	slot->used = ++s->uses;
	slot->used_ns = s->now_ns;
}

/* The slot of the same file, if there is one; takes @m over in any case. */
static struct slot *slot_make(struct symbols *s, struct module *m)
{
	struct slot *slot;

	for (unsigned i = 0; i < s->nslots; i++) {
		if (!module_same(s->slot[i]->module, m))
			continue;
		s->counts.shared++;
		module_free(m);
		return s->slot[i];
	}
	slot = calloc(1, sizeof(*slot));
	if (!slot) {
		module_free(m);
		return NULL;
	}
	slot->module = m;
	slot->number = ++s->last_number;
	slot->bytes = module_bytes(m);
	s->bytes += slot->bytes;
	s->slot[s->nslots++] = slot;
	return slot;
}

static int file_add(struct symbols *s, const struct symbols_file *key, struct module *m)
{
	struct file *f = file_find(s, key);

	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f) {
			module_free(m);
			return -ENOMEM;
		}
		f->key = *key;
		HASH_ADD(hh, s->files, key, sizeof(f->key), f);
	}
	f->slot = slot_make(s, m);
	if (!f->slot) {
		HASH_DEL(s->files, f);
		free(f);
		return -ENOMEM;
	}
	slot_use(s, f->slot);
	bounds_keep(s);
	return 0;
}

int symbols_add_unknown(struct symbols *s, const struct symbols_file *file, struct str path)
{
	struct module *m;
	int err = module_unknown(path, &m);

	if (err)
		return err;
	s->counts.unknown++;
	return file_add(s, file, m);
}

int symbols_add(struct symbols *s, const struct symbols_file *file, int fd, struct str path,
		int root_fd)
{
	struct module_opts o = { .root_fd = root_fd,
				 .host_root_fd = s->o.host_root_fd,
				 .lines = s->lines };
	struct module *m;
	int err = module_open(fd, path, &o, &m);

	if (err == -ENOMEM)
		return err;
	if (err)
		return symbols_add_unknown(s, file, path);
	s->counts.opened++;
	return file_add(s, file, m);
}

int symbols_add_vdso(struct symbols *s, const struct symbols_file *file)
{
	struct module *m;
	int err = module_vdso(&m);

	if (err == -ENOMEM)
		return err;
	if (err)
		return symbols_add_unknown(s, file, STR("[vdso]"));
	return file_add(s, file, m);
}

static uint32_t *head_of(struct symbols *s, uint32_t number, uint64_t off, bool returned)
{
	return &s->heads[hash_u64(off * 2 + returned + ((uint64_t)number << 40)) % HEADS];
}

static struct result *result_find(struct symbols *s, uint32_t number, uint64_t off, bool returned)
{
	uint32_t at = *head_of(s, number, off, returned);

	while (at) {
		struct result *r = (struct result *)(s->results.p + at - 1);

		if (r->off == off && r->number == number && r->returned == returned)
			return r;
		at = r->next;
	}
	return NULL;
}

static bool text_keep(struct arena *to, struct str *text)
{
	char *p = text->n ? arena_alloc(to, text->n) : NULL;

	if (text->n && !p)
		return false;
	if (p)
		memcpy(p, text->p, text->n);
	text->p = p;
	return true;
}

/* NULL: the block is full. */
static struct result *result_put(struct symbols *s, const struct result *key, const struct frame *f)
{
	struct result *r = arena_alloc(&s->results, sizeof(*r) + key->n * sizeof(*f));
	uint32_t *head = head_of(s, key->number, key->off, key->returned);

	if (!r)
		return NULL;
	*r = *key;
	memcpy(r->frame, f, key->n * sizeof(*f));
	for (uint32_t i = 0; i < r->n; i++)
		if (!text_keep(&s->results, &r->frame[i].function) ||
		    !text_keep(&s->results, &r->frame[i].linkage) ||
		    !text_keep(&s->results, &r->frame[i].file))
			return NULL;
	r->next = *head;
	*head = (uint32_t)((char *)r - s->results.p) + 1;
	return r;
}

static void results_drop(struct symbols *s)
{
	arena_reset(&s->results);
	memset(s->heads, 0, sizeof(s->heads));
	s->counts.results_dropped++;
}

int symbols_frames(struct symbols *s, const struct symbols_file *file, uint64_t off, bool returned,
		   const struct frame **ret)
{
	struct frame frames[MODULE_INLINED_MAX];
	struct file *f = file_find(s, file);
	struct result *r, key;

	if (!f)
		return -ENOENT;
	slot_use(s, f->slot);
	r = result_find(s, f->slot->number, off, returned);
	if (r) {
		s->counts.hits++;
	} else {
		s->counts.misses++;
		arena_reset(&s->scratch);
		key = (struct result){ .off = off, .number = f->slot->number, .returned = returned };
		key.n = (uint32_t)module_frames(f->slot->module, off, returned, &s->scratch, frames,
						MODULE_INLINED_MAX);
		r = result_put(s, &key, frames);
		if (!r) {
			results_drop(s);
			r = result_put(s, &key, frames);
		}
		if (!r)
			return -ENOENT;
	}
	*ret = r->frame;
	return (int)r->n;
}

size_t symbols_tick(struct symbols *s, uint64_t now_ns)
{
	s->now_ns = now_ns;
	for (unsigned i = s->nslots; i-- > 0;) {
		struct slot *slot = s->slot[i];

		if (slot->used_ns == 0)
			slot->used_ns = now_ns;
		if (now_ns - slot->used_ns > SYMBOLS_IDLE_S * 1000000000ull)
			slot_close(s, i);
	}
	bounds_keep(s);
	if (s->lines)
		lines_tick(s->lines);
	return s->bytes + s->results.n + sizeof(*s);
}

const struct symbols_counts *symbols_counts(const struct symbols *s)
{
	return &s->counts;
}

struct module_counts symbols_module_counts(const struct symbols *s)
{
	struct module_counts c = s->gone;

	for (unsigned i = 0; i < s->nslots; i++)
		counts_add(&c, module_counts(s->slot[i]->module));
	return c;
}

const struct lines_counts *symbols_lines_counts(const struct symbols *s)
{
	return s->lines ? lines_counts(s->lines) : NULL;
}
