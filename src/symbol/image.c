/*
 * ELF headers by pread. Both classes are widened into one shape as they are read; a table of names
 * says which sections are kept.
 */
#include "symbol/image.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define NAME_MAX_LEN 24	  /* of a section; longer ones are none of ours */
#define NOTES_MAX    1024 /* notes looked at in a file, however many sections of them it has */

size_t bytes_some(const struct bytes *b, uint64_t off, uint64_t end, void *ret, size_t n)
{
	size_t got = 0;

	if (end > b->n)
		end = b->n;
	if (off >= end)
		return 0;
	if (n > end - off)
		n = (size_t)(end - off);
	if (b->fd < 0) {
		memcpy(ret, b->p + off, n);
		return n;
	}
	while (got < n) {
		ssize_t r = pread(b->fd, (char *)ret + got, n - got, (off_t)(off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

bool bytes_read(const struct bytes *b, uint64_t off, void *ret, size_t n)
{
	return off <= b->n && n <= b->n - off && bytes_some(b, off, b->n, ret, n) == n;
}

void bytes_free(struct bytes *b)
{
	closep(&b->fd);
	free(b->p);
	*b = (struct bytes){ .fd = -1 };
}

/* The header, widened; false: not ELF, not little-endian, or of a class we do not know. */
static bool header_read(const struct bytes *b, Elf64_Ehdr *ret)
{
	Elf64_Ehdr h;
	Elf32_Ehdr s;

	if (!bytes_read(b, 0, &s, sizeof(s)) || memcmp(s.e_ident, ELFMAG, SELFMAG) != 0 ||
	    s.e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (s.e_ident[EI_CLASS] == ELFCLASS64) {
		if (!bytes_read(b, 0, &h, sizeof(h)))
			return false;
		*ret = h;
		return true;
	}
	if (s.e_ident[EI_CLASS] != ELFCLASS32)
		return false;
	h = (Elf64_Ehdr){ .e_type = s.e_type,
			  .e_phoff = s.e_phoff,
			  .e_shoff = s.e_shoff,
			  .e_phentsize = s.e_phentsize,
			  .e_phnum = s.e_phnum,
			  .e_shentsize = s.e_shentsize,
			  .e_shnum = s.e_shnum,
			  .e_shstrndx = s.e_shstrndx };
	memcpy(h.e_ident, s.e_ident, EI_NIDENT);
	*ret = h;
	return true;
}

static bool segment_read(const struct image *im, uint64_t at, Elf64_Phdr *ret)
{
	Elf32_Phdr s;

	if (im->elf64)
		return bytes_read(&im->bytes, at, ret, sizeof(*ret));
	if (!bytes_read(&im->bytes, at, &s, sizeof(s)))
		return false;
	*ret = (Elf64_Phdr){ .p_type = s.p_type,
			     .p_flags = s.p_flags,
			     .p_offset = s.p_offset,
			     .p_vaddr = s.p_vaddr,
			     .p_filesz = s.p_filesz };
	return true;
}

static bool section_read(const struct image *im, uint64_t at, Elf64_Shdr *ret)
{
	Elf32_Shdr s;

	if (im->elf64)
		return bytes_read(&im->bytes, at, ret, sizeof(*ret));
	if (!bytes_read(&im->bytes, at, &s, sizeof(s)))
		return false;
	*ret = (Elf64_Shdr){ .sh_name = s.sh_name,
			     .sh_type = s.sh_type,
			     .sh_flags = s.sh_flags,
			     .sh_addr = s.sh_addr,
			     .sh_offset = s.sh_offset,
			     .sh_size = s.sh_size,
			     .sh_link = s.sh_link,
			     .sh_entsize = s.sh_entsize };
	return true;
}

/* A note: u32 name size, u32 content size, u32 type, name and content padded to 4. */
static void build_id_find(struct image *im, uint64_t off, uint64_t size)
{
	uint64_t end = off + size;
	Elf64_Nhdr n;
	char name[4];

	while (!im->build_id_n && off < end && im->notes < NOTES_MAX &&
	       bytes_read(&im->bytes, off, &n, sizeof(n))) {
		uint64_t desc = off + sizeof(n) + (((uint64_t)n.n_namesz + 3) & ~3ull);

		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && n.n_descsz > 0 &&
		    n.n_descsz <= IMAGE_BUILD_ID_MAX &&
		    bytes_read(&im->bytes, off + sizeof(n), name, 4) && memcmp(name, "GNU", 4) == 0 &&
		    bytes_read(&im->bytes, desc, im->build_id, n.n_descsz))
			im->build_id_n = n.n_descsz;
		off = desc + (((uint64_t)n.n_descsz + 3) & ~3ull);
		im->notes++;
	}
}

static void segments_read(struct image *im, const Elf64_Ehdr *h)
{
	Elf64_Phdr p;

	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (!segment_read(im, h->e_phoff + (uint64_t)i * h->e_phentsize, &p))
			return;
		if (p.p_type == PT_NOTE && p.p_offset < im->bytes.n && p.p_filesz <= im->bytes.n)
			build_id_find(im, p.p_offset, p.p_filesz);
		if (p.p_type == PT_GNU_EH_FRAME)
			im->eh_frame_hdr = (struct image_section){ .off = p.p_offset,
								   .size = p.p_filesz,
								   .vaddr = p.p_vaddr };
		if (p.p_type != PT_LOAD || im->nseg == IMAGE_SEGMENTS)
			continue;
		im->seg[im->nseg++] = (struct image_segment){ .off = p.p_offset,
							      .vaddr = p.p_vaddr,
							      .size = p.p_filesz,
							      .exec = p.p_flags & PF_X };
	}
}

static const struct section_kept {
	const char *name;
	uint32_t type; /* 0: found by name alone */
	size_t at;
} KEPT[] = {
	{ ".symtab", SHT_SYMTAB, offsetof(struct image, symtab) },
	{ ".dynsym", SHT_DYNSYM, offsetof(struct image, dynsym) },
	{ ".gnu_debugdata", SHT_PROGBITS, offsetof(struct image, debugdata) },
	{ ".gnu_debuglink", SHT_PROGBITS, offsetof(struct image, debuglink) },
	{ ".gopclntab", SHT_PROGBITS, offsetof(struct image, pclntab) },
	{ ".data.rel.ro.gopclntab", SHT_PROGBITS, offsetof(struct image, pclntab) },
	{ ".debug_info", SHT_PROGBITS, offsetof(struct image, debug_info) },
	{ ".text", SHT_PROGBITS, offsetof(struct image, text) },
};

static void section_keep(struct image *im, const Elf64_Shdr *s, uint64_t names, uint64_t names_end)
{
	char name[NAME_MAX_LEN];
	size_t n = bytes_some(&im->bytes, names + s->sh_name, names_end, name, sizeof(name));
	struct image_section *to;

	/* In a debug file the sections of code and data are there in name only. */
	if (s->sh_type == SHT_NOBITS || s->sh_offset > im->bytes.n ||
	    s->sh_size > im->bytes.n - s->sh_offset)
		return;
	if (s->sh_type == SHT_NOTE)
		build_id_find(im, s->sh_offset, s->sh_size);
	for (size_t i = 0; i < sizeof(KEPT) / sizeof(KEPT[0]); i++) {
		if (s->sh_type != KEPT[i].type || strnlen(name, n) == n ||
		    strcmp(name, KEPT[i].name) != 0)
			continue;
		to = (struct image_section *)((char *)im + KEPT[i].at);
		if (to->size == 0)
			*to = (struct image_section){ .off = s->sh_offset,
						      .size = s->sh_size,
						      .vaddr = s->sh_addr,
						      .entsize = s->sh_entsize,
						      .link = s->sh_link };
	}
}

static void sections_read(struct image *im, const Elf64_Ehdr *h)
{
	uint64_t n = h->e_shnum, names = h->e_shstrndx;
	Elf64_Shdr s, strings;
	const struct image_section *from[] = { &im->symtab, &im->dynsym };
	struct image_section *to[] = { &im->symtab_str, &im->dynsym_str };

	if (h->e_shoff == 0 || !section_read(im, h->e_shoff, &s))
		return;
	/* Counts that do not fit the header stand in the first section. */
	n = n ? n : s.sh_size;
	names = names == SHN_XINDEX ? s.sh_link : names;
	n = n < IMAGE_SECTIONS ? n : IMAGE_SECTIONS;
	if (names >= n || !section_read(im, h->e_shoff + names * h->e_shentsize, &strings) ||
	    strings.sh_offset > im->bytes.n || strings.sh_size > im->bytes.n - strings.sh_offset)
		return;
	for (uint64_t i = 0; i < n; i++) {
		if (!section_read(im, h->e_shoff + i * h->e_shentsize, &s))
			break;
		section_keep(im, &s, strings.sh_offset, strings.sh_offset + strings.sh_size);
	}
	for (size_t i = 0; i < 2; i++)
		if (from[i]->size && from[i]->link < n &&
		    section_read(im, h->e_shoff + from[i]->link * (uint64_t)h->e_shentsize, &s) &&
		    s.sh_type == SHT_STRTAB && s.sh_offset <= im->bytes.n &&
		    s.sh_size <= im->bytes.n - s.sh_offset)
			*to[i] = (struct image_section){ .off = s.sh_offset, .size = s.sh_size };
}

static int image_read(struct image *im)
{
	Elf64_Ehdr h;

	if (!header_read(&im->bytes, &h))
		return -ENOEXEC;
	im->elf64 = h.e_ident[EI_CLASS] == ELFCLASS64;
	im->type = h.e_type;
	segments_read(im, &h);
	sections_read(im, &h);
	return 0;
}

int image_open(int fd, struct image *ret)
{
	struct image im = { .bytes = { .fd = fd } };
	struct stat st;
	int err = 0;

	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ENOEXEC;
	im.bytes.n = err ? 0 : (uint64_t)st.st_size;
	err = err ? err : image_read(&im);
	if (err)
		image_close(&im);
	else
		*ret = im;
	return err;
}

int image_borrow(int fd, struct image *ret)
{
	int own = dup(fd);

	return own < 0 ? -errno : image_open(own, ret);
}

int image_memory(uint8_t *p, size_t n, struct image *ret)
{
	struct image im = { .bytes = { .fd = -1, .p = p, .n = n } };
	int err = image_read(&im);

	if (err)
		image_close(&im);
	else
		*ret = im;
	return err;
}

void image_close(struct image *im)
{
	bytes_free(&im->bytes);
}

bool image_vaddr(const struct image *im, uint64_t off, uint64_t *ret)
{
	const struct image_segment *best = NULL;

	for (unsigned i = 0; i < im->nseg; i++) {
		const struct image_segment *s = &im->seg[i];

		if (off >= s->off && off - s->off < s->size && (!best || (s->exec && !best->exec)))
			best = s;
	}
	if (best)
		*ret = off - best->off + best->vaddr;
	return best;
}

bool image_is_code(const struct image *im, uint64_t vaddr)
{
	for (unsigned i = 0; i < im->nseg; i++)
		if (im->seg[i].exec && vaddr >= im->seg[i].vaddr &&
		    vaddr - im->seg[i].vaddr < im->seg[i].size)
			return true;
	return false;
}
