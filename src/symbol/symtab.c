/*
 * Reading, sorting and searching function symbols. Aliases (several names at one address) stay; a
 * lookup takes the best: of a function, global, with fewer underscores, shorter.
 */
#include "symbol/symtab.h"

#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"

#define CHUNK	  512 /* symbols read at once */
#define BACK_MAX  64  /* rows looked back for one that covers an address: nested symbols */
#define ALIAS_MAX 32  /* names of one address compared */
#define SIZE_MASK ((1u << 28) - 1)
#define RANK_BIT  28 /* of size: 0..3, the lower the better */
#define WHICH_BIT 30 /* of size: which image has the name */

void symtab_init(struct symtab *t, const struct image *code)
{
	uint64_t base = UINT64_MAX;

	for (unsigned i = 0; i < code->nseg; i++)
		if (code->seg[i].exec && code->seg[i].vaddr < base)
			base = code->seg[i].vaddr;
	*t = (struct symtab){ .base = base, .code = code };
}

/* 0 a global function, 1 a weak or local one, 2 a label; -1: nothing for us */
static int symbol_rank(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info), bind = ELF64_ST_BIND(s->st_info);

	if (s->st_shndx == SHN_UNDEF || s->st_shndx == SHN_ABS || s->st_shndx == SHN_COMMON ||
	    s->st_name == 0)
		return -1;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return bind == STB_GLOBAL || bind == STB_GNU_UNIQUE ? 0 : 1;
	return type == STT_NOTYPE ? 2 : -1;
}

static bool row_room(struct symtab *t)
{
	size_t cap = t->cap ? t->cap * 2 : 1024;
	struct symtab_row *row;

	if (t->n < t->cap)
		return true;
	row = reallocarray(t->row, cap, sizeof(*row));
	if (!row)
		return false;
	t->row = row;
	t->cap = cap;
	return true;
}

static int symbol_add(struct symtab *t, const Elf64_Sym *s, unsigned which)
{
	int rank = symbol_rank(s);
	uint64_t size = s->st_size < SIZE_MASK ? s->st_size : SIZE_MASK;

	if (rank < 0 || !image_is_code(t->code, s->st_value))
		return 0;
	if (t->n == SYMTAB_MAX || s->st_value - t->base > UINT32_MAX) {
		t->cut++;
		return 0;
	}
	if (!row_room(t))
		return -ENOMEM;
	t->row[t->n++] = (struct symtab_row){
		.addr = (uint32_t)(s->st_value - t->base),
		.size = (uint32_t)size | (uint32_t)rank << RANK_BIT | which << WHICH_BIT,
		.name = s->st_name,
	};
	return 0;
}

static Elf64_Sym symbol_widen(const uint8_t *p, bool elf64)
{
	Elf64_Sym s;
	Elf32_Sym w;

	if (elf64) {
		memcpy(&s, p, sizeof(s));
		return s;
	}
	memcpy(&w, p, sizeof(w));
	return (Elf64_Sym){ .st_name = w.st_name,
			    .st_info = w.st_info,
			    .st_shndx = w.st_shndx,
			    .st_value = w.st_value,
			    .st_size = w.st_size };
}

int symtab_add(struct symtab *t, const struct image *im, const struct image_section *symbols,
	       const struct image_section *strings)
{
	size_t each = im->elf64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t at = symbols->off, end = symbols->off + symbols->size;
	uint8_t chunk[CHUNK * sizeof(Elf64_Sym)];
	int err = 0;

	if (symbols->size == 0 || strings->size == 0)
		return 0;
	if (t->nnames == SYMTAB_IMAGES)
		return -ENOSPC;
	while (!err && at < end) {
		size_t n = bytes_some(&im->bytes, at, end, chunk, CHUNK * each) / each;

		for (size_t i = 0; i < n && !err; i++) {
			Elf64_Sym s = symbol_widen(chunk + i * each, im->elf64);

			err = symbol_add(t, &s, t->nnames);
		}
		if (n == 0)
			break;
		at += n * each;
	}
	t->names[t->nnames].bytes = &im->bytes;
	t->names[t->nnames].off = strings->off;
	t->names[t->nnames++].size = strings->size;
	return err;
}

static int row_order(const void *a, const void *b)
{
	const struct symtab_row *x = a, *y = b;
	uint32_t rx = x->size >> RANK_BIT & 3, ry = y->size >> RANK_BIT & 3;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (rx != ry)
		return rx < ry ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

void symtab_sort(struct symtab *t)
{
	struct symtab_row *row;

	if (t->n == 0)
		return;
	qsort(t->row, t->n, sizeof(*t->row), row_order);
	row = reallocarray(t->row, t->n, sizeof(*row));
	if (row) {
		t->row = row;
		t->cap = t->n;
	}
}

void symtab_free(struct symtab *t)
{
	free(t->row);
	*t = (struct symtab){ 0 };
}

static bool name_read(const struct symtab *t, const struct symtab_row *r, char ret[SYMTAB_NAME])
{
	unsigned which = r->size >> WHICH_BIT;
	uint64_t off, end;
	size_t n;

	if (which >= t->nnames)
		return false;
	off = t->names[which].off;
	end = off + t->names[which].size;
	n = bytes_some(t->names[which].bytes, off + r->name, end, ret, SYMTAB_NAME - 1);
	ret[n] = '\0';
	/* Mapping symbols of other machines and assemblers' local labels name no function. */
	return ret[0] && ret[0] != '$' && !(ret[0] == '.' && ret[1] == 'L');
}

/* Lower is better; among equals the first stays. */
static size_t name_cost(const struct symtab_row *r, const char *name)
{
	return (size_t)(r->size >> RANK_BIT & 3) * 65536 + strspn(name, "_") * 2048 + strlen(name);
}

/* The best name of the rows [i, end) that share an address. */
static bool best_name(const struct symtab *t, size_t i, size_t end, char ret[SYMTAB_NAME])
{
	size_t best = SIZE_MAX;
	char name[SYMTAB_NAME];

	if (end - i > ALIAS_MAX)
		end = i + ALIAS_MAX;
	for (; i < end; i++) {
		size_t cost = name_read(t, &t->row[i], name) ? name_cost(&t->row[i], name) : best;

		if (cost >= best)
			continue;
		best = cost;
		memcpy(ret, name, strlen(name) + 1);
	}
	return best != SIZE_MAX;
}

/* Rows with addr <= @addr. */
static size_t rows_up_to(const struct symtab *t, uint32_t addr)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->row[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The row, counted from @n down, that covers @addr by its size; else the nearest if it has none. */
static bool row_covering(const struct symtab *t, size_t n, uint32_t addr, size_t *ret)
{
	size_t least = n > BACK_MAX ? n - BACK_MAX : 0;

	for (size_t i = n; i-- > least;) {
		uint32_t size = t->row[i].size & SIZE_MASK;

		if (size && addr - t->row[i].addr < size) {
			*ret = i;
			return true;
		}
	}
	if (n == 0 || (t->row[n - 1].size & SIZE_MASK))
		return false;
	*ret = n - 1;
	return true;
}

bool symtab_find(const struct symtab *t, uint64_t vaddr, char ret_name[SYMTAB_NAME],
		 uint64_t *ret_start)
{
	uint64_t addr = vaddr - t->base;
	size_t i, first, end;

	if (vaddr < t->base || addr > UINT32_MAX ||
	    !row_covering(t, rows_up_to(t, (uint32_t)addr), (uint32_t)addr, &i))
		return false;
	first = end = i;
	while (first > 0 && i - first < BACK_MAX && t->row[first - 1].addr == t->row[i].addr)
		first--;
	while (end < t->n && end - first < BACK_MAX && t->row[end].addr == t->row[i].addr)
		end++;
	*ret_start = t->row[i].addr + t->base;
	return best_name(t, first, end, ret_name);
}
