/*
 * Headers of an ELF file, bounded and copied. libelf is not used here: it maps or trusts sizes, and
 * of the vDSO there is no file. Decompression is zlib's and zstd's, into a buffer of the stated size.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "symbol/unwind_elf.h"

#define NAMES_MAX (4u << 20)

void elf_bytes_free(struct elf_bytes *b)
{
	free(b->p);
	*b = (struct elf_bytes){ 0 };
}

static int read_file(int fd, uint64_t off, uint8_t *to, size_t n)
{
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ENODATA;
		to += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int read_at(const struct elf *e, uint64_t off, void *to, size_t n)
{
	if (off > e->size || n > e->size - off)
		return -ENODATA;
	if (e->fd >= 0)
		return read_file(e->fd, off, to, n);
	memcpy(to, e->mem + off, n);
	return 0;
}

int elf_copy(const struct elf *e, uint64_t off, size_t n, struct elf_bytes *ret)
{
	_cleanup_(freep) uint8_t *p = NULL;
	int err;

	/* Before the memory: a header may claim any size. */
	if (off > e->size || n > e->size - off)
		return -ENODATA;
	p = malloc(n ? n : 1);
	if (!p)
		return -ENOMEM;
	err = read_at(e, off, p, n);
	if (err)
		return err;
	ret->p = take_ptr(p);
	ret->n = n;
	return 0;
}

static bool inflate_all(struct cur from, struct elf_bytes *to)
{
	uLongf n = to->n;

	return uncompress(to->p, &n, from.p, cur_left(&from)) == Z_OK && n == to->n;
}

static bool unzstd_all(struct cur from, struct elf_bytes *to)
{
	return ZSTD_decompress(to->p, to->n, from.p, cur_left(&from)) == to->n;
}

/* The header before compressed bytes: how, and the size they will have. */
static bool compression(struct cur *c, const struct elf_section *s, bool *ret_zstd, uint64_t *ret_n)
{
	Elf64_Chdr h;
	char magic[4];
	uint64_t be;

	if (s->gnu_zipped) {
		*ret_zstd = false;
		if (!cur_copy(c, magic, 4) || memcmp(magic, "ZLIB", 4) != 0 || !cur_u64(c, &be))
			return false;
		*ret_n = __builtin_bswap64(be);
		return true;
	}
	if (!cur_copy(c, &h, sizeof(h)) || (h.ch_type != ELFCOMPRESS_ZLIB && h.ch_type != 2))
		return false;
	*ret_zstd = h.ch_type == 2; /* ELFCOMPRESS_ZSTD, which older elf.h lack */
	*ret_n = h.ch_size;
	return true;
}

int elf_section_bytes(const struct elf *e, const struct elf_section *s, size_t max,
		      struct elf_bytes *ret)
{
	_cleanup_(elf_bytes_free) struct elf_bytes raw = { 0 };
	_cleanup_(elf_bytes_free) struct elf_bytes out = { 0 };
	struct cur c;
	bool zstd;
	uint64_t n;
	int err;

	if (s->size > max)
		return -EFBIG;
	err = elf_copy(e, s->off, s->size, &raw);
	if (err)
		return err;
	if (s->compressed || s->gnu_zipped) {
		c = cur_of(raw.p, raw.n);
		if (!compression(&c, s, &zstd, &n))
			return -EBADMSG;
		if (n > max)
			return -EFBIG;
		out.p = malloc(n ? n : 1);
		if (!out.p)
			return -ENOMEM;
		out.n = n;
		if (!(zstd ? unzstd_all : inflate_all)(c, &out))
			return -EBADMSG;
	} else {
		out = raw;
		raw = (struct elf_bytes){ 0 };
	}
	*ret = out;
	out = (struct elf_bytes){ 0 };
	return 0;
}

bool elf_code_off(const struct elf *e, uint64_t vaddr, uint64_t *ret_off, uint64_t *ret_left)
{
	for (unsigned i = 0; i < e->nloads; i++) {
		const struct elf_load *l = &e->loads[i];

		if (!l->exec || vaddr < l->vaddr || vaddr - l->vaddr >= l->size)
			continue;
		*ret_off = l->off + (vaddr - l->vaddr);
		*ret_left = l->size - (vaddr - l->vaddr);
		return true;
	}
	return false;
}

/* Any segment's, also those without code. */
static bool data_off(const struct elf *e, uint64_t vaddr, uint64_t *ret_off, uint64_t *ret_left)
{
	for (unsigned i = 0; i < e->nloads; i++) {
		const struct elf_load *l = &e->loads[i];

		if (vaddr < l->vaddr || vaddr - l->vaddr >= l->size)
			continue;
		*ret_off = l->off + (vaddr - l->vaddr);
		*ret_left = l->size - (vaddr - l->vaddr);
		return true;
	}
	return false;
}

static void segment(struct elf *e, const Elf64_Phdr *p)
{
	struct elf_load l = { p->p_vaddr, p->p_offset, p->p_filesz, p->p_flags & PF_X };

	if (p->p_type == PT_GNU_EH_FRAME)
		e->eh_frame_hdr = p->p_vaddr;
	if (p->p_type != PT_LOAD || e->nloads == ELF_LOADS_MAX || l.off >= e->size)
		return;
	/* What lies past the file's end is not there. */
	if (l.size > e->size - l.off)
		l.size = e->size - l.off;
	if (l.size && l.vaddr <= UINT64_MAX - l.size)
		e->loads[e->nloads++] = l;
}

static int by_off(const void *x, const void *y)
{
	const struct elf_load *a = x, *b = y;

	return a->off < b->off ? -1 : a->off > b->off;
}

static int segments(struct elf *e, const Elf64_Ehdr *h)
{
	_cleanup_(elf_bytes_free) struct elf_bytes b = { 0 };
	struct cur c;
	Elf64_Phdr p;
	int err;

	if (!h->e_phnum)
		return 0;
	if (h->e_phentsize != sizeof(p))
		return -ENOEXEC;
	err = elf_copy(e, h->e_phoff, (size_t)h->e_phnum * sizeof(p), &b);
	if (err)
		return err == -ENODATA ? -ENOEXEC : err;
	c = cur_of(b.p, b.n);
	while (cur_copy(&c, &p, sizeof(p)))
		segment(e, &p);
	return 0;
}

static void section(struct elf *e, struct str name, const Elf64_Shdr *h)
{
	struct elf_section s = { h->sh_addr, h->sh_offset, h->sh_size, h->sh_flags & SHF_COMPRESSED,
				 false,	     false };

	if (str_eq(name, STR(".gopclntab")))
		e->go = true;
	/* In a file of debug information the rest has headers, but no bytes. */
	if (h->sh_type == SHT_NOBITS)
		return;
	if (str_eq(name, STR(".eh_frame"))) {
		e->eh_frame = s;
	} else if (str_eq(name, STR(".debug_frame"))) {
		e->debug_frame = s;
	} else if (str_eq(name, STR(".zdebug_frame"))) {
		s.gnu_zipped = true;
		e->debug_frame = s;
	} else if ((str_starts(name, STR(".plt")) || str_eq(name, STR(".iplt"))) &&
		   e->nplt < ELF_PLTS_MAX && h->sh_flags & SHF_EXECINSTR) {
		e->plt[e->nplt++] = s;
	}
}

/* Section headers are optional: without them, or with wrong ones, the segments must do. */
static int sections(struct elf *e, const Elf64_Ehdr *h)
{
	_cleanup_(elf_bytes_free) struct elf_bytes table = { 0 };
	_cleanup_(elf_bytes_free) struct elf_bytes names = { 0 };
	uint64_t n = h->e_shnum, at = h->e_shstrndx;
	Elf64_Shdr s;
	struct cur c;
	int err;

	if (!h->e_shoff || h->e_shentsize != sizeof(s) || read_at(e, h->e_shoff, &s, sizeof(s)))
		return 0;
	/* More than 65,279 of them: the first holds the numbers. */
	n = n ? n : s.sh_size;
	at = at == SHN_XINDEX ? s.sh_link : at;
	if (n > ELF_SECTIONS_MAX || at >= n)
		return 0;
	err = elf_copy(e, h->e_shoff, n * sizeof(s), &table);
	if (err)
		return err == -ENODATA ? 0 : err;
	memcpy(&s, table.p + at * sizeof(s), sizeof(s));
	if (s.sh_type != SHT_STRTAB || s.sh_size > NAMES_MAX)
		return 0;
	err = elf_copy(e, s.sh_offset, s.sh_size, &names);
	if (err)
		return err == -ENODATA ? 0 : err;
	c = cur_of(table.p, table.n);
	while (cur_copy(&c, &s, sizeof(s)))
		if (s.sh_name < names.n)
			section(e, str_fixed((char *)names.p + s.sh_name, names.n - s.sh_name), &s);
	return 0;
}

/*
 * .eh_frame_hdr: version 1, three encodings, then the address of .eh_frame. Of the encodings the
 * one in use (pcrel sdata4) is read.
 */
static void eh_frame_by_header(struct elf *e)
{
	uint64_t off, left;
	uint8_t head[4];
	int32_t rel;

	if (!data_off(e, e->eh_frame_hdr, &off, &left) || left < 8 || read_at(e, off, head, 4) ||
	    read_at(e, off + 4, &rel, 4) || head[0] != 1 || head[1] != 0x1b)
		return;
	e->eh_frame.vaddr = e->eh_frame_hdr + 4 + (uint64_t)(int64_t)rel;
	if (!data_off(e, e->eh_frame.vaddr, &e->eh_frame.off, &e->eh_frame.size))
		e->eh_frame.size = 0;
	e->eh_frame.ends = true;
}

int elf_open(int fd, const void *mem, size_t n, struct elf *ret)
{
	struct elf e = { .fd = fd, .mem = mem, .size = n };
	struct stat st;
	Elf64_Ehdr h;
	int err;

	if (fd >= 0) {
		if (fstat(fd, &st))
			return -errno;
		e.size = (uint64_t)st.st_size;
	}
	err = read_at(&e, 0, &h, sizeof(h));
	if (err)
		return err == -ENODATA ? -ENOEXEC : err;
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_machine != EM_X86_64 || (h.e_type != ET_EXEC && h.e_type != ET_DYN))
		return -EOPNOTSUPP;
	e.entry = h.e_entry;
	err = segments(&e, &h);
	qsort(e.loads, e.nloads, sizeof(e.loads[0]), by_off);
	if (!err)
		err = sections(&e, &h);
	if (err)
		return err;
	if (!e.eh_frame.size && e.eh_frame_hdr)
		eh_frame_by_header(&e);
	*ret = e;
	return 0;
}
