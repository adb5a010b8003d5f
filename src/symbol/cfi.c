/*
 * Entries of .eh_frame and .debug_frame: lengths, common entries (CIE), functions (FDE), encoded
 * addresses. The instructions are in cfi_run.c.
 *
 * Not read: indirect, aligned, text- and function-relative addresses, and the augmentations of
 * compilers of the last century ("eh"). None of them is in what x86-64 linkers write.
 */
#include "symbol/cfi.h"
#include "symbol/cfi_run.h"

#define PE_OMIT	    0xff
#define PE_INDIRECT 0x80
#define PE_FORM	    0x0f
#define PE_BASE	    0x70
#define PE_PCREL    0x10
#define PE_DATAREL  0x30

bool cfi_uleb(struct cur *c, uint64_t *ret)
{
	struct cur at = *c;
	uint64_t v = 0;
	uint8_t b;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (!cur_u8(&at, &b))
			return false;
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*c = at;
			*ret = v;
			return true;
		}
	}
	return false;
}

bool cfi_sleb(struct cur *c, int64_t *ret)
{
	struct cur at = *c;
	uint64_t v = 0;
	uint8_t b;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (!cur_u8(&at, &b))
			return false;
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		if (b & 0x80)
			continue;
		if (shift + 7 < 64 && b & 0x40)
			v |= UINT64_MAX << (shift + 7);
		*c = at;
		*ret = (int64_t)v;
		return true;
	}
	return false;
}

#define FIXED(name, reader, type)                      \
	static bool name(struct cur *c, uint64_t *ret) \
	{                                              \
		type v;                                \
                                                       \
		if (!reader(c, (void *)&v))            \
			return false;                  \
		*ret = (uint64_t)(int64_t)v;           \
		return true;                           \
	}
FIXED(read_u16, cur_u16, uint16_t)
FIXED(read_u32, cur_u32, uint32_t)
FIXED(read_u64, cur_u64, uint64_t)
FIXED(read_s16, cur_u16, int16_t)
FIXED(read_s32, cur_u32, int32_t)

static bool read_sleb(struct cur *c, uint64_t *ret)
{
	return cfi_sleb(c, (int64_t *)ret);
}

/* By the form, the low four bits of an encoding. */
static bool (*const forms[16])(struct cur *c, uint64_t *ret) = {
	[0x0] = read_u64, [0x1] = cfi_uleb,  [0x2] = read_u16, [0x3] = read_u32, [0x4] = read_u64,
	[0x8] = read_u64, [0x9] = read_sleb, [0xa] = read_s16, [0xb] = read_s32, [0xc] = read_u64,
};

static bool form(struct cur *c, uint8_t encoding, uint64_t *ret)
{
	return forms[encoding & PE_FORM] && forms[encoding & PE_FORM](c, ret);
}

bool cfi_address(const struct cfi *s, struct cur *c, uint8_t encoding, uint64_t *ret)
{
	uint64_t at = s->vaddr + (uint64_t)(c->p - s->data.p), v;

	if (encoding & PE_INDIRECT || !form(c, encoding, &v))
		return false;
	switch (encoding & PE_BASE) {
	case 0:
		break;
	case PE_PCREL:
		v += at;
		break;
	case PE_DATAREL:
		v += s->data_rel;
		break;
	default:
		return false;
	}
	*ret = v;
	return true;
}

/* An entry's frame: id tells common entries from functions. */
struct entry {
	uint32_t off;
	uint64_t id;
	uint64_t id_off; /* of the id in the section */
	bool wide;	 /* 64-bit DWARF */
	bool zero;	 /* length 0: terminator */
	struct cur body; /* after the id */
};

static bool entry_at(const struct cfi *s, size_t off, struct entry *ret, size_t *ret_next)
{
	struct cur c = s->data, body;
	struct entry e = { .off = (uint32_t)off };
	uint64_t len;

	if (!cur_skip(&c, off) || !read_u32(&c, &len))
		return false;
	e.wide = len == UINT32_MAX;
	if (e.wide && !read_u64(&c, &len))
		return false;
	e.zero = len == 0;
	if (!cur_sub(&c, len, &body))
		return false;
	e.id_off = (uint64_t)(body.p - s->data.p);
	/* .eh_frame has 4 bytes of id also in 64-bit entries. */
	if (!e.zero && !(e.wide && s->debug ? read_u64(&body, &e.id) : read_u32(&body, &e.id)))
		return false;
	e.body = body;
	*ret = e;
	*ret_next = (size_t)(c.p - s->data.p);
	return true;
}

static bool is_cie(const struct cfi *s, const struct entry *e)
{
	return s->debug ? e->id == (e->wide ? UINT64_MAX : UINT32_MAX) : e->id == 0;
}

/* The letters after 'z'. An unknown one may change the meaning of all: none is known on x86-64. */
static bool augmentation(const struct cfi *s, struct str letters, struct cur *data,
			 struct cfi_cie *cie)
{
	uint8_t encoding;
	uint64_t ignored;

	for (size_t i = 0; i < letters.n; i++) {
		char letter = letters.p[i];

		if (letter == 'S') {
			cie->signal = true;
			continue;
		}
		if (!strchr("RLP", letter) || !cur_u8(data, &encoding))
			return false;
		if (letter == 'R')
			cie->encoding = encoding;
		/* Indirect or not: the personality routine is not wanted, only passed. */
		if (letter == 'P' && !cfi_address(s, data, encoding & ~PE_INDIRECT, &ignored))
			return false;
	}
	return true;
}

static bool cie_string(struct cur *c, struct str *ret)
{
	const uint8_t *end = memchr(c->p, 0, cur_left(c));
	uint8_t nul;

	return end && cur_str(c, (size_t)(end - c->p), ret) && cur_u8(c, &nul);
}

static bool cie_fields(struct cur *c, uint8_t version, struct cfi_cie *cie)
{
	uint8_t ra, size;

	if (version == 4 && (!cur_u8(c, &size) || size != 8 || !cur_u8(c, &cie->segment)))
		return false;
	if (!cfi_uleb(c, &cie->code_align) || !cfi_sleb(c, &cie->data_align))
		return false;
	if (version > 1)
		return cfi_uleb(c, &cie->ra);
	if (!cur_u8(c, &ra))
		return false;
	cie->ra = ra;
	return true;
}

static bool cie_parse(struct cfi *s, struct cfi_cie *cie)
{
	struct entry e;
	struct cur c, data;
	struct str letters;
	uint8_t version;
	uint64_t n;
	size_t next;

	if (!entry_at(s, cie->off, &e, &next) || e.zero || !is_cie(s, &e))
		return false;
	c = e.body;
	if (!cur_u8(&c, &version) || (version != 1 && version != 3 && version != 4) ||
	    !cie_string(&c, &letters) || !cie_fields(&c, version, cie))
		return false;
	cie->sized = letters.n && letters.p[0] == 'z';
	if (cie->sized && (!cfi_uleb(&c, &n) || !cur_sub(&c, n, &data) ||
			   !augmentation(s, str_skip(letters, 1), &data, cie)))
		return false;
	if (!cie->sized && letters.n)
		return false;
	cie->program = c;
	return cfi_initial(s, cie);
}

static struct cfi_cie *cie_get(struct cfi *s, uint64_t off)
{
	struct cfi_cie *cie = &s->cache[(off >> 2) % CFI_CIES];

	if (off > UINT32_MAX)
		return NULL;
	if (!cie->read || cie->off != off) {
		*cie = (struct cfi_cie){ .off = (uint32_t)off, .read = true };
		cie->ok = cie_parse(s, cie);
		s->cies++;
	}
	return cie->ok ? cie : NULL;
}

/* Range and common entry of a function; *ret_rest is what follows: its augmentation, if any. */
static bool fde_parse(struct cfi *s, const struct entry *e, struct cfi_cie **ret_cie,
		      struct cfi_fde *ret, struct cur *ret_rest)
{
	struct cfi_fde f = { .off = e->off };
	struct cur c = e->body, data;
	struct cfi_cie *cie;
	uint64_t n;

	cie = cie_get(s, s->debug ? e->id : e->id_off - e->id);
	*ret_cie = cie;
	if (!cie || !cur_skip(&c, cie->segment) || !cfi_address(s, &c, cie->encoding, &f.start) ||
	    !form(&c, cie->encoding, &f.len))
		return false;
	if (cie->sized && (!cfi_uleb(&c, &n) || !cur_sub(&c, n, &data)))
		return false;
	*ret = f;
	*ret_rest = c;
	return true;
}

enum cfi_end cfi_next(struct cfi *s, struct cfi_fde *ret)
{
	struct cfi_cie *cie;
	struct entry e;
	struct cur rest;

	/* Each turn passes at least the four bytes of a length. */
	while (s->next < cur_left(&s->data)) {
		if (cur_left(&s->data) - s->next < 4)
			return CFI_TIRED;
		if (!entry_at(s, s->next, &e, &s->next))
			return CFI_BAD;
		if (e.zero && s->ends)
			return CFI_TIRED;
		if (e.zero || is_cie(s, &e))
			continue;
		if (fde_parse(s, &e, &cie, ret, &rest))
			return CFI_OK;
		if (cie)
			s->bad_fdes++;
		else
			s->bad_cies++;
	}
	return CFI_TIRED;
}

enum cfi_end cfi_rows(struct cfi *s, uint32_t off, cfi_row_fn *row, void *data, uint64_t *ret_bad)
{
	struct cfi_cie *cie;
	struct cfi_fde fde;
	struct entry e;
	struct cur program;
	size_t next;

	if (!entry_at(s, off, &e, &next) || !fde_parse(s, &e, &cie, &fde, &program)) {
		*ret_bad = 0;
		return CFI_BAD;
	}
	return cfi_program(s, cie, &fde, program, row, data, ret_bad);
}
