/*
 * Putting together what a file and its debug file know. Each source is optional; what cannot be
 * read is as if it were not there, and counted.
 */
#include "symbol/module.h"
#include "symbol/fde_start.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "symbol/debug_file.h"
#include "symbol/demangle.h"
#include "symbol/go.h"
#include "symbol/lines.h"
#include "symbol/symtab.h"

#define SAME_CHUNK 65536

struct module {
	struct image file, debug, unpacked;
	struct symtab symbols;
	struct go_table go; /* im NULL: none */
	struct module_counts counts;
	struct lines *lines; /* NULL: none wanted, none there, or given up */
	uint64_t lines_ns;   /* spent on its questions so far */
	uint64_t id;	     /* of this module alone, for the process that reads DWARF */
	unsigned sources;
	struct str path, build_id;
	char build_id_hex[2 * IMAGE_BUILD_ID_MAX];
	char path_bytes[];
};

static int module_make(struct str path, struct module **ret)
{
	struct module *m;

	if (path.n > MODULE_PATH_MAX)
		path.n = MODULE_PATH_MAX;
	m = calloc(1, sizeof(*m) + path.n);
	if (!m)
		return -ENOMEM;
	m->file.bytes.fd = m->debug.bytes.fd = m->unpacked.bytes.fd = -1;
	if (path.p) {
		memcpy(m->path_bytes, path.p, path.n);
		m->path = (struct str){ m->path_bytes, path.n };
	}
	*ret = m;
	return 0;
}

void module_free(struct module *m)
{
	if (!m)
		return;
	symtab_free(&m->symbols);
	image_close(&m->unpacked);
	image_close(&m->debug);
	image_close(&m->file);
	free(m);
}

static void module_freep(struct module **m)
{
	module_free(*m);
}

static void build_id_write(struct module *m)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < m->file.build_id_n; i++) {
		m->build_id_hex[2 * i] = hex[m->file.build_id[i] >> 4];
		m->build_id_hex[2 * i + 1] = hex[m->file.build_id[i] & 15];
	}
	if (m->file.build_id_n)
		m->build_id = (struct str){ m->build_id_hex, 2 * m->file.build_id_n };
}

static int symbols_from(struct module *m, const struct image *im, bool dynamic,
			enum module_source source)
{
	size_t before = m->symbols.n;
	int err = symtab_add(&m->symbols, im, dynamic ? &im->dynsym : &im->symtab,
			     dynamic ? &im->dynsym_str : &im->symtab_str);

	if (m->symbols.n > before)
		m->sources |= source;
	return err;
}

/* Of what was unpacked only the names are needed once the symbols are in the table. */
static void unpacked_trim(struct module *m)
{
	struct bytes *b = &m->unpacked.bytes;
	struct image_section *names = &m->unpacked.symtab_str;
	uint8_t *less;

	if (m->symbols.nnames == 0 || m->symbols.names[m->symbols.nnames - 1].bytes != b)
		return;
	memmove(b->p, b->p + names->off, names->size);
	less = realloc(b->p, names->size);
	b->p = less ? less : b->p;
	b->n = names->size;
	names->off = 0;
	m->symbols.names[m->symbols.nnames - 1].off = 0;
}

static int symbols_unpack(struct module *m)
{
	int err = debug_data_unpack(&m->file, &m->unpacked);

	if (err == -ENOENT)
		return 0;
	if (err) {
		m->counts.debugdata_wrong++;
		return err == -ENOMEM ? err : 0;
	}
	err = symbols_from(m, &m->unpacked, false, MODULE_DEBUGDATA);
	unpacked_trim(m);
	return err;
}

/* What a stripped file still has, and what was split from it. */
static int symbols_split(struct module *m)
{
	int err = symbols_from(m, &m->file, true, MODULE_DYNSYM);
	size_t before = m->symbols.n;

	if (!err)
		err = symbols_from(m, &m->debug, false, MODULE_DEBUGFILE);
	if (!err && m->symbols.n == before)
		err = symbols_unpack(m);
	return err;
}

static int symbols_load(struct module *m, const struct module_opts *o)
{
	struct debug_places places = { o->root_fd, o->host_root_fd, m->path };
	int err;

	symtab_init(&m->symbols, &m->file);
	if (m->file.symtab.size == 0 || (o->lines && m->file.debug_info.size == 0))
		(void)debug_file_open(&m->file, &places, &m->debug, &m->counts.debugfile_wrong);
	err = symbols_from(m, &m->file, false, MODULE_SYMTAB);
	if (!err && m->symbols.n == 0)
		err = symbols_split(m);
	symtab_sort(&m->symbols);
	m->counts.symbols_cut = m->symbols.cut;
	return err;
}

static const struct image *dwarf_image(const struct module *m)
{
	return m->file.debug_info.size ? &m->file : &m->debug;
}

/* Takes @im over. */
static int module_of(struct image *im, struct str path, const struct module_opts *o,
		     struct module **ret)
{
	_cleanup_(module_freep) struct module *m = NULL;
	static uint64_t last_id;
	int err = module_make(path, &m);

	if (err) {
		image_close(im);
		return err;
	}
	m->file = *im;
	build_id_write(m);
	err = symbols_load(m, o);
	if (err)
		return err;
	m->id = ++last_id;
	m->sources |= go_open(&m->file, &m->go) ? MODULE_GO : 0;
	if (dwarf_image(m)->debug_info.size && dwarf_image(m)->bytes.fd >= 0)
		m->lines = o->lines;
	m->sources |= m->lines ? MODULE_DWARF : 0;
	*ret = take_ptr(m);
	return 0;
}

int module_open(int fd, struct str path, const struct module_opts *o, struct module **ret)
{
	struct image im;
	int err = image_open(fd, &im);

	return err ? err : module_of(&im, path, o, ret);
}

int module_vdso(struct module **ret)
{
	static const struct module_opts none = { .root_fd = -1, .host_root_fd = -1 };
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	struct image im;
	uint8_t *copy;
	size_t n;
	int err;

	if (!h)
		return -ENOENT;
	/* Its section headers come last, and the kernel maps all of it. */
	n = h->e_shoff + (size_t)h->e_shnum * h->e_shentsize;
	copy = malloc(n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, h, n);
	err = image_memory(copy, n, &im);
	return err ? err : module_of(&im, STR("[vdso]"), &none, ret);
}

int module_unknown(struct str path, struct module **ret)
{
	return module_make(path, ret);
}

/* A copy of @z in @text; absent when that is full. */
static struct str text_put(struct module *m, struct arena *text, const char *z, size_t n)
{
	char *p;

	if (n >= MODULE_NAME_MAX) {
		n = MODULE_NAME_MAX - 1;
		m->counts.names_cut++;
	}
	p = arena_alloc(text, n);
	if (!p) {
		m->counts.text_full++;
		return STR_NONE;
	}
	memcpy(p, z, n);
	return (struct str){ p, n };
}

/* Both names of a function whose linkage name is @z. */
static void function_name(struct module *m, struct arena *text, char *z, struct frame *f)
{
	char plain[MODULE_NAME_MAX];
	char *version = strchr(z, '@'); /* memcpy@@GLIBC_2.14 */
	size_t n;

	if (version && version != z)
		*version = '\0';
	n = demangle(z, plain, sizeof(plain));
	if (n)
		f->linkage = text_put(m, text, z, strlen(z));
	f->function = n ? text_put(m, text, plain, n) : text_put(m, text, z, strlen(z));
}

/* Frames as the DWARF has them, given the names and places that all frames have; 0: none. */
static size_t dwarf_look(struct module *m, const struct frame *common, struct arena *text,
			 struct frame *ret, size_t max)
{
	const uint64_t begin = clock_boot().ns;
	int n = lines_frames(m->lines, m->id, dwarf_image(m)->bytes.fd, common->address, text, ret,
			     max);
	char name[MODULE_NAME_MAX];

	/* A file whose every answer comes just in time would hold up all others' names. */
	m->lines_ns += clock_boot().ns - begin;
	if (n < 0 || m->lines_ns > MODULE_LINES_MS * NS_PER_MS) {
		m->counts.lines_lost++;
		m->lines = NULL;
	}
	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct str raw = ret[i].function;

		ret[i].module = common->module;
		ret[i].build_id = common->build_id;
		ret[i].address = common->address;
		ret[i].function = STR_NONE;
		if (raw.n == 0 || raw.n >= sizeof(name))
			continue;
		memcpy(name, raw.p, raw.n);
		name[raw.n] = '\0';
		function_name(m, text, name, &ret[i]);
	}
	return (size_t)n;
}

/* The function of a frame that has none yet; Go's table knows file and line too. */
static void function_find(struct module *m, struct arena *text, struct frame *f)
{
	struct go_function go;
	char name[SYMTAB_NAME];
	uint64_t start;

	if (m->go.im && go_find(&m->go, f->address, &go)) {
		f->function = text_put(m, text, go.name, strlen(go.name));
		if (!f->file.p && go.file[0]) {
			f->file = text_put(m, text, go.file, strlen(go.file));
			f->line = go.line;
		}
	} else if (symtab_find(&m->symbols, f->address, name, &start)) {
		function_name(m, text, name, f);
	} else if (fde_start(&m->file, f->address, &start)) {
		f->address = start;
	}
}

size_t module_frames(struct module *m, uint64_t off, bool returned, struct arena *text,
		     struct frame *ret, size_t max)
{
	uint64_t at = off - (returned && off), vaddr;
	size_t n = 0;
	struct frame f = {
		.kind = FRAME_NATIVE, .module = m->path, .build_id = m->build_id, .address = at
	};

	if (!image_vaddr(&m->file, at, &vaddr)) {
		*ret = f;
		return 1;
	}
	f.address = vaddr;
	if (m->lines)
		n = dwarf_look(m, &f, text, ret, max);
	if (n && ret[n - 1].function.p)
		return n;
	function_find(m, text, n ? &ret[n - 1] : &f);
	if (n == 0)
		ret[n++] = f;
	return n;
}

bool module_same(const struct module *a, const struct module *b)
{
	const struct bytes *x = &a->file.bytes, *y = &b->file.bytes;
	_cleanup_(freep) uint8_t *chunk = NULL;
	uint64_t at = 0;

	if (!a->build_id.n || !str_eq(a->build_id, b->build_id) || x->n != y->n ||
	    x->n > MODULE_SAME_MAX)
		return false;
	chunk = malloc(2 * SAME_CHUNK);
	while (chunk && at < x->n) {
		size_t n = bytes_some(x, at, x->n, chunk, SAME_CHUNK);

		if (n == 0 || bytes_some(y, at, at + n, chunk + SAME_CHUNK, n) != n ||
		    memcmp(chunk, chunk + SAME_CHUNK, n) != 0)
			return false;
		at += n;
	}
	return chunk;
}

static size_t image_bytes(const struct image *im)
{
	return im->bytes.fd < 0 ? im->bytes.n : 0;
}

size_t module_bytes(const struct module *m)
{
	return sizeof(*m) + m->path.n + m->symbols.cap * sizeof(*m->symbols.row) +
	       image_bytes(&m->file) + image_bytes(&m->debug) + image_bytes(&m->unpacked);
}

unsigned module_sources(const struct module *m)
{
	return m->sources;
}

struct str module_path(const struct module *m)
{
	return m->path;
}

struct str module_build_id(const struct module *m)
{
	return m->build_id;
}

const struct module_counts *module_counts(const struct module *m)
{
	return &m->counts;
}
