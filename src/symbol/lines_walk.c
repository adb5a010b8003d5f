/*
 * DIE walks. Concrete functions may stand anywhere (in namespaces, classes, other functions), so
 * indexing a unit visits all its DIEs once, with a stack of its own instead of recursion.
 */
#include "symbol/lines_walk.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>

#include "base/cleanup.h"

#define RANGES_EACH 4096 /* ranges of one DIE looked at */
#define UNITS_MAX   (1u << 20)

struct func {
	uint64_t lo, hi;
	Dwarf_Off die;
};

struct funcs {
	struct func *p;
	size_t n, cap;
};

struct walk {
	Elf *elf;
	Dwarf *dw;
	struct funcs funcs; /* of the units that were asked for; sorted */
	struct funcs units; /* all units' ranges; made when .debug_aranges does not know an address */
	bool units_made;
	Dwarf_Off *done; /* units in funcs */
	size_t ndone;
};

int walk_open(int fd, struct walk **ret)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOENT;
	elf_version(EV_CURRENT);
	w->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	w->dw = w->elf ? dwarf_begin_elf(w->elf, DWARF_C_READ, NULL) : NULL;
	if (!w->dw) {
		walk_close(w);
		return -ENOENT;
	}
	*ret = w;
	return 0;
}

void walk_close(struct walk *w)
{
	if (!w)
		return;
	dwarf_end(w->dw);
	elf_end(w->elf);
	free(w->funcs.p);
	free(w->units.p);
	free(w->done);
	free(w);
}

static void func_add(struct funcs *f, uint64_t lo, uint64_t hi, Dwarf_Off die)
{
	size_t cap = f->cap ? f->cap * 2 : 256;
	struct func *p;

	if (lo >= hi || f->n == WALK_FUNCS)
		return;
	if (f->n == f->cap) {
		p = reallocarray(f->p, cap, sizeof(*p));
		if (!p)
			return;
		f->p = p;
		f->cap = cap;
	}
	f->p[f->n++] = (struct func){ lo, hi, die };
}

static void ranges_add(struct funcs *f, Dwarf_Die *die)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	for (unsigned i = 0; i < RANGES_EACH; i++) {
		at = dwarf_ranges(die, at, &base, &lo, &hi);
		if (at <= 0)
			return;
		/* A linker's dropped sections begin at 0 (or 1). */
		if (lo > 1)
			func_add(f, lo, hi, dwarf_dieoffset(die));
	}
}

static int func_order(const void *a, const void *b)
{
	const struct func *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi > y->hi ? -1 : x->hi < y->hi;
}

static void funcs_sort(struct funcs *f)
{
	if (f->n)
		qsort(f->p, f->n, sizeof(*f->p), func_order);
}

/* The narrowest of those near that has @vaddr: functions stand in functions. */
static const struct func *func_find(const struct funcs *f, uint64_t vaddr)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->p[mid].lo <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo; i > 0 && lo - i < 64; i--)
		if (vaddr < f->p[i - 1].hi)
			return &f->p[i - 1];
	return NULL;
}

/* The next DIE in depth-first order; false: the walk is over. @level indexes @stack. */
static bool die_next(Dwarf_Die *stack, unsigned *level, bool descend)
{
	if (descend && *level + 1 < WALK_DEPTH &&
	    dwarf_child(&stack[*level], &stack[*level + 1]) == 0) {
		(*level)++;
		return true;
	}
	while (*level > 0) {
		Dwarf_Die next;

		if (dwarf_siblingof(&stack[*level], &next) == 0) {
			stack[*level] = next;
			return true;
		}
		(*level)--;
	}
	return false;
}

static void unit_index(struct walk *w, Dwarf_Die *cu)
{
	Dwarf_Die stack[WALK_DEPTH];
	Dwarf_Off *done, off = dwarf_dieoffset(cu);
	unsigned level = 0;

	for (size_t i = 0; i < w->ndone; i++)
		if (w->done[i] == off)
			return;
	done = reallocarray(w->done, w->ndone + 1, sizeof(*done));
	if (!done)
		return;
	w->done = done;
	w->done[w->ndone++] = off;
	stack[0] = *cu;
	for (unsigned n = 0; n < WALK_DIES && die_next(stack, &level, true); n++)
		if (dwarf_tag(&stack[level]) == DW_TAG_subprogram)
			ranges_add(&w->funcs, &stack[level]);
	funcs_sort(&w->funcs);
}

static void units_index(struct walk *w)
{
	Dwarf_Off at = 0, next;
	size_t header;
	Dwarf_Die cu;

	w->units_made = true;
	for (unsigned n = 0; n < UNITS_MAX; n++) {
		if (dwarf_nextcu(w->dw, at, &next, &header, NULL, NULL, NULL) != 0 || next <= at)
			break;
		if (dwarf_offdie(w->dw, at + header, &cu))
			ranges_add(&w->units, &cu);
		at = next;
	}
	funcs_sort(&w->units);
}

static bool unit_find(struct walk *w, uint64_t vaddr, Dwarf_Die *ret)
{
	const struct func *u;

	if (dwarf_addrdie(w->dw, vaddr, ret))
		return true;
	if (!w->units_made)
		units_index(w);
	u = func_find(&w->units, vaddr);
	return u && dwarf_offdie(w->dw, u->die, ret);
}

/* The inlined function right below @outer that has @vaddr: blocks in between are passed through. */
static bool inlined_find(Dwarf_Die *outer, uint64_t vaddr, Dwarf_Die *ret)
{
	Dwarf_Die stack[WALK_DEPTH];
	unsigned level = 0;
	bool descend = true;

	stack[0] = *outer;
	for (unsigned n = 0; n < WALK_DIES && die_next(stack, &level, descend); n++) {
		int tag = dwarf_tag(&stack[level]);

		if (tag == DW_TAG_inlined_subroutine && dwarf_haspc(&stack[level], vaddr) > 0) {
			*ret = stack[level];
			return true;
		}
		/* A block without addresses of its own may still hold what has some. */
		descend = tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
			  tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
		if (descend)
			descend = dwarf_haspc(&stack[level], vaddr) != 0;
	}
	return false;
}

static const char *die_name(Dwarf_Die *die)
{
	static const unsigned int which[] = { DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					      DW_AT_name };
	Dwarf_Attribute attr;
	const char *z;

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		z = dwarf_attr_integrate(die, which[i], &attr) ? dwarf_formstring(&attr) : NULL;
		if (z && *z)
			return z;
	}
	return "";
}

static void frame_put(struct buf *out, Dwarf_Die *die, const char *file, uint32_t line)
{
	const char *name = die_name(die);
	struct walk_frame f = { .line = line,
				.name_n = (uint16_t)strnlen(name, WALK_TEXT),
				.file_n = file ? (uint16_t)strnlen(file, WALK_TEXT) : 0 };

	buf_add(out, &f, sizeof(f));
	buf_add(out, name, f.name_n);
	buf_add(out, file, f.file_n);
}

/* Where @inlined was called: what is the line of the next outer frame. */
static void call_site(Dwarf_Die *cu, Dwarf_Die *inlined, const char **ret_file, uint32_t *ret_line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n;

	*ret_file = NULL;
	*ret_line = 0;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &line) == 0 &&
	    line <= UINT32_MAX)
		*ret_line = (uint32_t)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &file) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &n) == 0 && file < n)
		*ret_file = dwarf_filesrc(files, file, NULL, NULL);
}

unsigned walk_frames(struct walk *w, uint64_t vaddr, struct buf *out)
{
	Dwarf_Die cu, chain[WALK_INLINED];
	const struct func *f;
	const char *file = NULL;
	Dwarf_Line *at;
	uint32_t line = 0;
	unsigned n = 1;
	int number;

	if (!unit_find(w, vaddr, &cu))
		return 0;
	unit_index(w, &cu);
	f = func_find(&w->funcs, vaddr);
	if (!f || !dwarf_offdie(w->dw, f->die, &chain[0]))
		return 0;
	while (n < WALK_INLINED && inlined_find(&chain[n - 1], vaddr, &chain[n]))
		n++;
	at = dwarf_getsrc_die(&cu, vaddr);
	if (at && dwarf_lineno(at, &number) == 0 && number > 0) {
		line = (uint32_t)number;
		file = dwarf_linesrc(at, NULL, NULL);
	}
	for (unsigned i = n; i-- > 0;) {
		frame_put(out, &chain[i], file, line);
		call_site(&cu, &chain[i], &file, &line);
	}
	return n;
}
