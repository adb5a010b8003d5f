/* Tables by file for a while; mappings by address; the walk between them. */
#include "agent/unwind_finish.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/unwind_file.h"
#include "agent/unwind_walk.h"
#include "base/cleanup.h"

#define MAPS_LINES 16384

struct kept {
	struct file_key key;
	struct unwind_table *table;
	uint64_t used;
};

struct unwind_kept {
	struct kept kept[UNWIND_KEPT];
	uint64_t uses, rows;
};

struct unwind_kept *unwind_kept_new(void)
{
	return calloc(1, sizeof(struct unwind_kept));
}

static void kept_drop(struct unwind_kept *k, struct kept *t)
{
	if (t->table)
		k->rows -= t->table->nrows;
	unwind_table_free(t->table);
	*t = (struct kept){ 0 };
}

void unwind_kept_free(struct unwind_kept *k)
{
	for (size_t i = 0; k && i < UNWIND_KEPT; i++)
		kept_drop(k, &k->kept[i]);
	free(k);
}

/* The generation is not compared: not everybody knows it, and tables live for seconds. */
const struct unwind_table *unwind_kept_find(struct unwind_kept *k, const struct file_key *key)
{
	for (size_t i = 0; i < UNWIND_KEPT; i++) {
		struct kept *t = &k->kept[i];

		if (t->table && t->key.ino == key->ino && t->key.dev == key->dev) {
			t->used = ++k->uses;
			return t->table;
		}
	}
	return NULL;
}

/* A free place, the longest unused given up until there is room for @rows. */
static struct kept *kept_place(struct unwind_kept *k, uint32_t rows)
{
	for (;;) {
		struct kept *oldest = NULL, *place = NULL;

		for (size_t i = 0; i < UNWIND_KEPT; i++) {
			struct kept *t = &k->kept[i];

			if (!t->table)
				place = t;
			else if (!oldest || t->used < oldest->used)
				oldest = t;
		}
		if (place && (!oldest || k->rows + rows <= UNWIND_KEPT_ROWS))
			return place;
		kept_drop(k, oldest);
	}
}

int unwind_kept_make(struct unwind_kept *k, uint32_t pid, const struct rec_vma *vma,
		     const struct unwind_table **ret)
{
	_cleanup_(closep) int fd = -1;
	struct unwind_table *table = NULL;
	struct kept *t;
	int err;

	if (!vma->file.ino) {
		err = unwind_table_vdso(&table);
	} else {
		err = unwind_file_open((pid_t)pid, vma, &fd);
		if (!err)
			err = unwind_table_build(fd, -1, &table);
	}
	if (err)
		return err;
	t = kept_place(k, table->nrows);
	*t = (struct kept){ vma->file, table, ++k->uses };
	k->rows += table->nrows;
	*ret = table;
	return 0;
}

/* --- the walk --- */

struct finish {
	struct unwind_kept *kept;
	uint32_t pid;
	size_t nvma;
	struct rec_vma vma[STACK_VMA_MAX];
};

/* The mapping of @pc in /proc/PID/maps, if it is executable. */
static bool maps_find(uint32_t pid, uint64_t pc, struct rec_vma *ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(freep) char *line = NULL;
	char path[32];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	for (int i = 0; f && i < MAPS_LINES && getline(&line, &size, f) > 0; i++) {
		unsigned long long from, to, off, ino;
		unsigned major, minor;
		char exec;

		if (sscanf(line, "%llx-%llx %*c%*c%c%*c %llx %x:%x %llu", &from, &to, &exec, &off,
			   &major, &minor, &ino) != 7 ||
		    pc < from || pc >= to)
			continue;
		*ret = (struct rec_vma){ { ino, major << 20 | minor, 0 }, from, to, off };
		if (!ino)
			ret->file.dev = strstr(line, "[vdso]") ? VMA_VDSO : VMA_ANON;
		return exec == 'x';
	}
	return false;
}

static const struct rec_vma *vma_find(struct finish *f, uint64_t pc)
{
	struct rec_vma found;

	for (size_t i = 0; i < f->nvma; i++)
		if (pc >= f->vma[i].start && pc < f->vma[i].end)
			return &f->vma[i];
	if (f->nvma == STACK_VMA_MAX || !maps_find(f->pid, pc, &found))
		return NULL;
	f->vma[f->nvma] = found;
	return &f->vma[f->nvma++];
}

static const struct unwind_rule *rule_find(void *ctx, uint64_t pc, enum stack_end *ret_end)
{
	static const struct unwind_rule frames = { .cfa = UW_FRAME };
	struct finish *f = ctx;
	const struct rec_vma *v = vma_find(f, pc);
	const struct unwind_table *t;
	const struct unwind_rule *rule;

	*ret_end = STACK_NO_MAPPING;
	if (!v)
		return NULL;
	if (!v->file.ino && v->file.dev == VMA_ANON)
		return &frames;
	*ret_end = STACK_NO_TABLE;
	t = unwind_kept_find(f->kept, &v->file);
	if (!t && unwind_kept_make(f->kept, f->pid, v, &t) != 0)
		return NULL;
	*ret_end = STACK_NO_ROW;
	rule = unwind_table_find(t, pc - v->start + v->off);
	return rule;
}

/* The record anew: its fixed part, kernel addresses, user addresses, mappings, interpreted frames. */
static struct rec_hdr *record_make(const struct rec_hdr *h, size_t stack_at, const struct stack *s,
				   const struct unwind_walk *w, const struct finish *f,
				   enum stack_end end)
{
	size_t fixed = stack_at + sizeof(struct rec_stack), kernel = s->nkernel * 8, user = w->n * 8;
	size_t mapped = f->nvma * sizeof(struct rec_vma), interp = stack_interp_bytes(s);
	uint8_t *p = malloc(fixed + kernel + user + mapped + interp);

	if (!p)
		return NULL;
	memcpy(p, h, fixed);
	memcpy(p + fixed, s->kernel, kernel);
	memcpy(p + fixed + kernel, w->addresses, user);
	memcpy(p + fixed + kernel + user, f->vma, mapped);
	if (interp)
		memcpy(p + fixed + kernel + user + mapped, s->interp, interp);
	*(struct rec_stack *)(p + stack_at) = (struct rec_stack){
		.nkernel = (uint16_t)s->nkernel,
		.nuser = (uint16_t)w->n,
		.nvma = (uint16_t)f->nvma,
		.end = (uint8_t)end,
		.flags = interp ? STACK_INTERP : 0,
	};
	((struct rec_hdr *)p)->len = (uint32_t)(fixed + kernel + user + mapped + interp);
	return (struct rec_hdr *)p;
}

int unwind_finish(struct unwind_kept *k, const struct rec_hdr *h, size_t stack_at,
		  const struct stack *s, struct rec_hdr **ret)
{
	struct finish f = { .kept = k, .pid = h->pid, .nvma = s->nvma };
	uint64_t addresses[STACK_USER_MAX];
	struct unwind_walk w = {
		.copy = s->copy,
		.bytes = (const uint8_t *)(s->copy + 1),
		.addresses = addresses,
		.n = s->nuser,
		.max = STACK_USER_MAX,
		.rule = rule_find,
		.ctx = &f,
	};
	enum stack_end end;

	if (!s->copy || !s->nuser)
		return -EBADMSG;
	memcpy(addresses, s->user, s->nuser * sizeof(addresses[0]));
	memcpy(f.vma, s->vma, s->nvma * sizeof(f.vma[0]));
	end = unwind_walk(&w);
	*ret = record_make(h, stack_at, s, &w, &f, end);
	return *ret ? 0 : -ENOMEM;
}
