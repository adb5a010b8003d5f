/*
 * Names are looked for in the string table first, wherever they end one (linkers let "SSL_read" be the tail of
 * another name); then one pass over the symbols compares numbers.
 */
#include "symbol/func_places.h"

#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"
#include "symbol/code_places.h"

#define WINDOW	 65536
#define NAME_LEN 256 /* at most, with its end */
#define SAME	 8   /* strings that end in one name */

struct func {
	uint32_t at[SAME]; /* of the name, in the strings */
	size_t n;
	bool many;	     /* more strings, or addresses, than one can choose from */
	uint64_t addr, size; /* size 0: not found */
};

struct search {
	const struct image *im;
	struct func funcs[FUNC_PLACES];
	uint8_t window[WINDOW];
	uint8_t code[CODE_BYTES];
};

static void name_in(struct func *f, const char *name, const uint8_t *p, size_t len, uint64_t at)
{
	size_t n = strlen(name) + 1;
	const uint8_t *hit;

	for (size_t from = 0; from < len; from = (size_t)(hit - p) + 1) {
		hit = memmem(p + from, len - from, name, n);
		if (!hit)
			return;
		/* Windows overlap. */
		if (f->n && f->at[f->n - 1] >= at + (uint64_t)(hit - p))
			continue;
		f->many |= f->n == SAME;
		if (f->n < SAME)
			f->at[f->n++] = (uint32_t)(at + (uint64_t)(hit - p));
	}
}

static void names_find(struct search *s, const char *const *names, size_t n, const bool *wanted,
		       const struct image_section *strings)
{
	uint64_t end = strings->off + strings->size;

	for (uint64_t at = strings->off; at < end; at += WINDOW - NAME_LEN) {
		size_t len = bytes_some(&s->im->bytes, at, end, s->window, WINDOW);

		for (size_t i = 0; i < n; i++)
			if (wanted[i])
				name_in(&s->funcs[i], names[i], s->window, len, at - strings->off);
		if (len < WINDOW)
			return;
	}
}

static void symbol_take(struct func *f, const Elf64_Sym *y)
{
	if (f->size && (f->addr != y->st_value || f->size != y->st_size))
		f->many = true;
	f->addr = y->st_value;
	f->size = y->st_size;
}

static void symbol_look(struct search *s, size_t n, const bool *wanted, const Elf64_Sym *y)
{
	if (ELF64_ST_TYPE(y->st_info) != STT_FUNC || y->st_shndx == SHN_UNDEF || !y->st_size)
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; wanted[i] && k < s->funcs[i].n; k++)
			if (s->funcs[i].at[k] == y->st_name)
				symbol_take(&s->funcs[i], y);
}

static void table_look(struct search *s, const char *const *names, size_t n,
		       const struct image_section *symbols, const struct image_section *strings)
{
	uint64_t end = symbols->off + symbols->size;
	bool wanted[FUNC_PLACES], any = false;
	Elf64_Sym y;

	if (symbols->entsize != sizeof(y) || symbols->size / sizeof(y) > FUNC_SYMBOLS ||
	    !strings->size || strings->size > FUNC_STRINGS)
		return;
	for (size_t i = 0; i < n; i++) {
		wanted[i] = !s->funcs[i].size && !s->funcs[i].many;
		any |= wanted[i];
		if (wanted[i])
			s->funcs[i].n = 0;
	}
	if (!any)
		return;
	names_find(s, names, n, wanted, strings);
	for (uint64_t at = symbols->off; at < end;) {
		size_t len = bytes_some(&s->im->bytes, at, end, s->window,
					WINDOW / sizeof(y) * sizeof(y));

		if (len < sizeof(y))
			return;
		for (size_t k = 0; k + sizeof(y) <= len; k += sizeof(y)) {
			memcpy(&y, s->window + k, sizeof(y));
			symbol_look(s, n, wanted, &y);
		}
		at += len / sizeof(y) * sizeof(y);
	}
}

/* Where the code of a function is in the file. */
static bool func_off(const struct image *im, const struct func *f, uint64_t *ret)
{
	for (unsigned i = 0; i < im->nseg; i++) {
		const struct image_segment *g = &im->seg[i];

		if (!g->exec || f->addr < g->vaddr || f->addr - g->vaddr >= g->size ||
		    f->size > g->size - (f->addr - g->vaddr))
			continue;
		*ret = g->off + (f->addr - g->vaddr);
		return true;
	}
	return false;
}

static int func_give(struct search *s, size_t i,
		     int (*add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth),
		     void *ctx)
{
	const struct func *f = &s->funcs[i];
	struct code_places p;
	uint64_t off;
	int err = 0;

	if (!f->size || f->many || f->size > CODE_BYTES || !func_off(s->im, f, &off) ||
	    !bytes_read(&s->im->bytes, off, s->code, f->size) ||
	    code_places(s->code, f->size, &p) != 0)
		return 0;
	for (size_t k = 0; k < p.n && !err; k++)
		err = add(ctx, i, FUNC_RETURN, off + p.ret[k].at, p.ret[k].depth);
	if (p.cheap && !err)
		err = add(ctx, i, FUNC_ENTRY, off + p.entry.at, p.entry.depth);
	return err;
}

int func_places_image(const struct image *im, const char *const *names, size_t n,
		      int (*add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth),
		      void *ctx)
{
	_cleanup_(freep) struct search *s = NULL;
	int err = 0;

	if (n == 0 || n > FUNC_PLACES)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!*names[i] || strlen(names[i]) >= NAME_LEN)
			return -EINVAL;
	if (!im->elf64)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->im = im;
	table_look(s, names, n, &im->dynsym, &im->dynsym_str);
	table_look(s, names, n, &im->symtab, &im->symtab_str);
	for (size_t i = 0; i < n && !err; i++)
		err = func_give(s, i, add, ctx);
	return err;
}

int func_places(int fd, const char *const *names, size_t n,
		int (*add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth),
		void *ctx)
{
	struct image im;
	int err = image_borrow(fd, &im);

	if (err)
		return err;
	err = func_places_image(&im, names, n, add, ctx);
	image_close(&im);
	return err;
}
