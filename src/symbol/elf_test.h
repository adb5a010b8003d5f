#pragma once
/*
 * For tests of symbols: a scratch folder with programs compiled in it, and symbol tables as libelf
 * reads them, to compare with. A missing compiler is for the test to skip, with the reason.
 */
#include <fcntl.h>
#include <ftw.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"

struct scratch {
	char dir[64];
};

static inline int scratch_make(void **state)
{
	static struct scratch s;

	strcpy(s.dir, "/tmp/porthole-symbol-XXXXXX");
	*state = &s;
	return mkdtemp(s.dir) ? 0 : -1;
}

static inline int scratch_drop(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline int scratch_free(void **state)
{
	struct scratch *s = *state;

	return nftw(s->dir, scratch_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs a command in the folder; its exit status. 127 as the shell has it: not found. */
__attribute__((format(printf, 2, 3))) static inline int scratch_run(const struct scratch *s,
								    const char *fmt, ...)
{
	char cmd[4096], *line = NULL;
	va_list ap;
	int n, status;

	va_start(ap, fmt);
	n = vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(cmd) || asprintf(&line, "cd %s && %s", s->dir, cmd) < 0)
		return -1;
	status = system(line);
	free(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void scratch_write(const struct scratch *s, const char *name, const void *p, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	f = fopen(path, "we");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static inline int scratch_open(const struct scratch *s, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Offset in the file of a virtual address, by libelf; UINT64_MAX: in no segment's bytes. */
static inline uint64_t elf_offset(Elf *elf, uint64_t vaddr, bool *ret_code)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) != 0)
		return UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p) || p.p_type != PT_LOAD || vaddr < p.p_vaddr ||
		    vaddr - p.p_vaddr >= p.p_filesz)
			continue;
		*ret_code = p.p_flags & PF_X;
		return vaddr - p.p_vaddr + p.p_offset;
	}
	return UINT64_MAX;
}

/* The first section of @type, NULL: none. */
static inline Elf_Scn *elf_section(Elf *elf, uint32_t type, GElf_Shdr *ret)
{
	for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s))
		if (gelf_getshdr(s, ret) && ret->sh_type == type)
			return s;
	return NULL;
}

/* The offset in the file of the symbol @name, or UINT64_MAX: no such; its address and size. */
static inline uint64_t elf_symbol_at(int fd, const char *name, uint64_t *ret_size, uint64_t *ret_vaddr)
{
	uint64_t off = UINT64_MAX;
	GElf_Shdr sh;
	Elf_Data *data;
	Elf_Scn *scn;
	Elf *elf;
	bool code;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	scn = elf_section(elf, SHT_SYMTAB, &sh);
	data = scn ? elf_getdata(scn, NULL) : NULL;
	for (int i = 0; data; i++) {
		GElf_Sym sym;
		const char *z;

		if (!gelf_getsym(data, i, &sym))
			break;
		z = elf_strptr(elf, sh.sh_link, sym.st_name);
		if (!z || strcmp(z, name) != 0)
			continue;
		off = elf_offset(elf, sym.st_value, &code);
		*ret_size = sym.st_size;
		*ret_vaddr = sym.st_value;
		break;
	}
	elf_end(elf);
	return off;
}

static inline uint64_t elf_symbol(int fd, const char *name, uint64_t *ret_size)
{
	uint64_t vaddr;

	return elf_symbol_at(fd, name, ret_size, &vaddr);
}
