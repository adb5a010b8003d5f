/* The symbols are read in pieces; names are compared in the file's string table. */
#include "symbol/python_file.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define PIECE 512 /* symbols read at once */

enum {
	SYM_RUNTIME,
	SYM_VERSION,
	SYM_LOOP,
	SYM_COUNT
};

static const char *const names[SYM_COUNT] = {
	[SYM_RUNTIME] = "_PyRuntime",
	[SYM_VERSION] = "Py_Version",
	[SYM_LOOP] = "_PyEval_EvalFrameDefault",
};

#define NAME_BYTES sizeof("_PyEval_EvalFrameDefault")

static void symbol_keep(const struct image *im, const Elf64_Sym *sym, Elf64_Sym found[SYM_COUNT])
{
	const struct image_section *strings = &im->dynsym_str;
	char text[NAME_BYTES];
	size_t n;

	if (!sym->st_value || sym->st_name >= strings->size)
		return;
	n = bytes_some(&im->bytes, strings->off + sym->st_name, strings->off + strings->size, text,
		       sizeof(text));
	for (size_t i = 0; i < SYM_COUNT; i++)
		if (strnlen(text, n) < n && strcmp(text, names[i]) == 0)
			found[i] = *sym;
}

/* Symbols of other types and sizes than those looked for are not worth reading their names. */
static bool symbol_likely(const Elf64_Sym *sym)
{
	const unsigned type = ELF64_ST_TYPE(sym->st_info);

	if (type == STT_OBJECT)
		return sym->st_size == 8 || sym->st_size > 65536;
	return type == STT_FUNC && sym->st_size > 4096;
}

static void symbols_find(const struct image *im, Elf64_Sym found[SYM_COUNT])
{
	const uint64_t n = im->dynsym.size / sizeof(Elf64_Sym);
	Elf64_Sym piece[PIECE];

	for (uint64_t i = 0; i < n && i < PYTHON_SYMBOLS_MAX; i += PIECE) {
		const uint64_t at = im->dynsym.off + i * sizeof(Elf64_Sym);
		size_t got = bytes_some(&im->bytes, at, im->dynsym.off + im->dynsym.size, piece,
					sizeof(piece)) /
			     sizeof(Elf64_Sym);

		for (size_t k = 0; k < got; k++)
			if (symbol_likely(&piece[k]))
				symbol_keep(im, &piece[k], found);
		if (got < PIECE)
			break;
	}
}

static const struct image_segment *segment_of(const struct image *im, uint64_t vaddr)
{
	for (unsigned i = 0; i < im->nseg; i++)
		if (vaddr >= im->seg[i].vaddr && vaddr - im->seg[i].vaddr < im->seg[i].size)
			return &im->seg[i];
	return NULL;
}

static bool read_vaddr(const struct image *im, uint64_t vaddr, void *ret, size_t n)
{
	const struct image_segment *s = segment_of(im, vaddr);

	return s && n <= s->size - (vaddr - s->vaddr) &&
	       bytes_read(&im->bytes, vaddr - s->vaddr + s->off, ret, n);
}

/* struct _Py_DebugOffsets of 3.13, as words. */
enum {
	OFF_COOKIE,
	OFF_VERSION,
	OFF_FREE_THREADED,
	OFF_INTERPRETERS = 5,
	OFF_INTERP_NEXT = 8,
	OFF_INTERP_THREADS = 9,
	OFF_INTERP_GIL = 14,
	OFF_THREAD_NEXT = 21,
	OFF_THREAD_FRAME = 23,
	OFF_THREAD_ID = 24,
	OFF_FRAME_PREVIOUS = 29,
	OFF_FRAME_CODE,
	OFF_FRAME_INSTR,
	OFF_FRAME_OWNER = 33,
	OFF_CODE_FILE = 35,
	OFF_CODE_NAME,
	OFF_CODE_QUALNAME,
	OFF_CODE_LINES,
	OFF_CODE_FIRST_LINE,
	OFF_CODE_INSTR = 43,
	OFF_WORDS
};

#define OFF_MAX (1u << 20)

/* What the interpreter says of itself; what of it must be as known, and what may differ. */
static bool offsets_apply(const struct image *im, uint64_t runtime, struct python_layout *l)
{
	uint64_t w[OFF_WORDS];

	if (!read_vaddr(im, runtime, w, sizeof(w)) || memcmp(w, "xdebugpy", 8) != 0 ||
	    w[OFF_VERSION] >> 16 != l->version || w[OFF_FREE_THREADED] ||
	    w[OFF_FRAME_PREVIOUS] != l->frame_previous || w[OFF_FRAME_CODE] != l->frame_code ||
	    w[OFF_FRAME_INSTR] != l->frame_instr || w[OFF_FRAME_OWNER] != l->frame_mark ||
	    w[OFF_CODE_FILE] != l->code_file || w[OFF_CODE_NAME] != l->code_name ||
	    w[OFF_CODE_QUALNAME] != l->code_qualname || w[OFF_CODE_LINES] != l->code_lines ||
	    w[OFF_CODE_FIRST_LINE] != l->code_first_line || w[OFF_CODE_INSTR] != l->code_instr)
		return false;
	for (size_t i = OFF_INTERPRETERS; i <= OFF_THREAD_ID; i++)
		if (w[i] > OFF_MAX)
			return false;
	l->interpreters = (uint32_t)w[OFF_INTERPRETERS];
	l->interp_next = (uint32_t)w[OFF_INTERP_NEXT];
	l->interp_threads = (uint32_t)w[OFF_INTERP_THREADS];
	l->interp_gil = (uint32_t)w[OFF_INTERP_GIL];
	l->thread_next = (uint32_t)w[OFF_THREAD_NEXT];
	l->thread_frame = (uint32_t)w[OFF_THREAD_FRAME];
	l->thread_id = (uint32_t)w[OFF_THREAD_ID];
	return true;
}

int python_file(const struct image *im, struct python_file *ret)
{
	Elf64_Sym found[SYM_COUNT] = { 0 };
	const struct image_segment *text;
	const struct python_layout *known;
	struct python_file f = { 0 };
	uint64_t version;

	if (!im->elf64)
		return -ENOENT;
	symbols_find(im, found);
	text = segment_of(im, found[SYM_LOOP].st_value);
	if (!found[SYM_RUNTIME].st_value || !found[SYM_LOOP].st_value || !text)
		return -ENOENT;
	if (!read_vaddr(im, found[SYM_VERSION].st_value, &version, sizeof(version)))
		return -ENOTSUP;
	ret->exact = (uint32_t)version;
	known = python_layout((uint32_t)version >> 16);
	if (!known)
		return -ENOTSUP;
	f.layout = *known;
	f.exact = (uint32_t)version;
	f.runtime = found[SYM_RUNTIME].st_value - text->vaddr + text->off;
	f.loop_off = found[SYM_LOOP].st_value - text->vaddr + text->off;
	f.loop_n = found[SYM_LOOP].st_size;
	if (known->version >= 0x30d && !offsets_apply(im, found[SYM_RUNTIME].st_value, &f.layout))
		return -ENOTSUP;
	*ret = f;
	return 0;
}
