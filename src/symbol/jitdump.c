/*
 * Records by pread, heads only: a dump is mostly code. Names and lines go into blocks that grow by
 * doubling; a load takes the lines that stood before it.
 */
#include "symbol/jitdump.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/cur.h"
#include "symbol/ranges.h"

#define MAGIC	   0x4A695444 /* as the machine that wrote it has it: ours */
#define HEADER	   40
#define HEAD	   16	      /* of a record */
#define LINES_BODY (4u << 20) /* a larger record of lines is skipped */

enum {
	LOAD,
	MOVE,
	LINES
};

struct name {
	uint32_t at, len;
};

struct line {
	uint64_t addr; /* relative to the code's begin */
	uint32_t line;
	struct name file;
};

struct code {
	uint64_t start; /* where it was loaded or moved to */
	uint64_t index;
	struct name name;
	uint32_t line, nlines; /* in the block of lines, sorted as they came */
};

struct block {
	void *p;
	size_t n, cap;
};

struct jitdump {
	struct ranges ranges;
	struct block code, lines, text;
	uint64_t read;
	uint64_t lines_addr; /* of the lines that wait for their load */
	uint32_t waiting, nwaiting;
	struct jitdump_counts counts;
};

int jitdump_new(struct jitdump **ret)
{
	struct jitdump *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	*ret = j;
	return 0;
}

void jitdump_free(struct jitdump *j)
{
	if (!j)
		return;
	ranges_free(&j->ranges);
	free(j->code.p);
	free(j->lines.p);
	free(j->text.p);
	free(j);
}

/* Room for @n more of @size bytes; NULL: no memory. */
static void *block_room(struct block *b, size_t n, size_t size)
{
	size_t cap = b->cap ? b->cap : 256;
	void *p;

	while (cap < b->n + n)
		cap *= 2;
	if (cap != b->cap) {
		p = reallocarray(b->p, cap, size);
		if (!p)
			return NULL;
		b->p = p;
		b->cap = cap;
	}
	return (char *)b->p + b->n * size;
}

static int text_put(struct jitdump *j, const char *p, size_t n, struct name *ret)
{
	char *to;

	if (n > JITDUMP_NAME)
		n = JITDUMP_NAME;
	if (n > JITDUMP_TEXT - j->text.n)
		return -ENOSPC;
	to = block_room(&j->text, n, 1);
	if (!to)
		return -ENOMEM;
	memcpy(to, p, n);
	*ret = (struct name){ (uint32_t)j->text.n, (uint32_t)n };
	j->text.n += n;
	return 0;
}

static int code_put(struct jitdump *j, const struct code *c, uint64_t size)
{
	struct code *to;
	int err;

	if (j->code.n == RANGES_MAX)
		return -ENOSPC;
	to = block_room(&j->code, 1, sizeof(*to));
	if (!to)
		return -ENOMEM;
	err = ranges_add(&j->ranges, c->start, size, (uint32_t)j->code.n);
	if (err)
		return err;
	*to = *c;
	j->code.n++;
	return 0;
}

static int load(struct jitdump *j, struct cur body)
{
	struct code c = { 0 };
	uint64_t size;
	size_t n;
	int err;

	if (!cur_skip(&body, 16) || !cur_u64(&body, &c.start) || !cur_u64(&body, &size) ||
	    !cur_u64(&body, &c.index))
		return -EBADMSG;
	n = strnlen((const char *)body.p, cur_left(&body));
	if (n == 0)
		return -EBADMSG;
	err = text_put(j, (const char *)body.p, n, &c.name);
	if (err)
		return err;
	if (j->nwaiting && j->lines_addr == c.start) {
		c.line = j->waiting;
		c.nlines = j->nwaiting;
	}
	j->nwaiting = 0;
	j->counts.loads++;
	return code_put(j, &c, size);
}

static int move(struct jitdump *j, struct cur body)
{
	uint64_t old, to, size, index;
	const struct code *all = j->code.p;
	struct code c;
	size_t i = j->code.n;

	if (!cur_skip(&body, 16) || !cur_u64(&body, &old) || !cur_u64(&body, &to) ||
	    !cur_u64(&body, &size) || !cur_u64(&body, &index))
		return -EBADMSG;
	if (j->counts.moves++ >= JITDUMP_MOVES)
		return -ENOSPC;
	while (i > 0 && (all[i - 1].index != index || all[i - 1].start != old))
		i--;
	if (i == 0)
		return 0;
	c = all[i - 1];
	c.start = to;
	return code_put(j, &c, size);
}

static int line_put(struct jitdump *j, struct cur *body, uint64_t start, struct name *file)
{
	struct line l = { 0 }, *to;
	const char *z;
	size_t n;
	int err = 0;

	if (!cur_u64(body, &l.addr) || !cur_u32(body, &l.line) || !cur_skip(body, 4))
		return -EBADMSG;
	z = (const char *)body->p;
	n = strnlen(z, cur_left(body));
	if (!cur_skip(body, n + 1))
		return -EBADMSG;
	if (j->lines.n == JITDUMP_LINES)
		return -ENOSPC;
	if (!(n == 1 && z[0] == '\xff'))
		err = text_put(j, z, n, file);
	to = err ? NULL : block_room(&j->lines, 1, sizeof(*to));
	if (!to)
		return err ? err : -ENOMEM;
	l.addr -= start;
	l.file = *file;
	*to = l;
	j->lines.n++;
	return 0;
}

static int lines(struct jitdump *j, struct cur body)
{
	struct name file = { 0 };
	uint64_t n;
	int err = 0;

	if (!cur_u64(&body, &j->lines_addr) || !cur_u64(&body, &n))
		return -EBADMSG;
	j->waiting = (uint32_t)j->lines.n;
	for (uint64_t i = 0; i < n && !err && cur_left(&body); i++) {
		err = line_put(j, &body, j->lines_addr, &file);
		j->counts.lines += !err;
	}
	j->nwaiting = (uint32_t)j->lines.n - j->waiting;
	return err;
}

static const struct kind {
	int (*apply)(struct jitdump *j, struct cur body);
	uint32_t most; /* bytes of the body that are read */
} KINDS[] = {
	[LOAD] = { load, 40 + JITDUMP_NAME + 1 },
	[MOVE] = { move, 48 },
	[LINES] = { lines, LINES_BODY },
};

/* The record at j->read. 1: applied or skipped; 0: not all there yet; else an error. */
static int record(struct jitdump *j, int fd, uint64_t end)
{
	_cleanup_(freep) uint8_t *body = NULL;
	uint32_t id, size, n;
	uint8_t head[HEAD];
	struct cur c = cur_of(head, sizeof(head));
	int err;

	if (end - j->read < HEAD || pread(fd, head, HEAD, (off_t)j->read) != HEAD)
		return 0;
	if (!cur_u32(&c, &id) || !cur_u32(&c, &size) || size < HEAD)
		return -EBADMSG;
	if (size > end - j->read)
		return 0;
	j->counts.records++;
	n = size - HEAD;
	if (id == LINES && n > LINES_BODY) {
		j->counts.dropped++;
	} else if (id < sizeof(KINDS) / sizeof(KINDS[0])) {
		n = n < KINDS[id].most ? n : KINDS[id].most;
		body = malloc(n + 1);
		if (!body)
			return -ENOMEM;
		if (pread(fd, body, n, (off_t)j->read + HEAD) != (ssize_t)n)
			return 0;
		err = KINDS[id].apply(j, cur_of(body, n));
		j->counts.dropped += err == -ENOSPC;
		if (err && err != -ENOSPC)
			return err;
	}
	j->read += size;
	return 1;
}

static int header(struct jitdump *j, int fd, uint64_t end)
{
	uint32_t magic, version, size;
	uint8_t head[HEADER];
	struct cur c = cur_of(head, sizeof(head));

	if (end < HEADER || pread(fd, head, HEADER, 0) != HEADER)
		return -EBADMSG;
	if (!cur_u32(&c, &magic) || !cur_u32(&c, &version) || !cur_u32(&c, &size) ||
	    magic != MAGIC || size < HEADER)
		return -EBADMSG;
	j->read = size;
	return 0;
}

int jitdump_update(struct jitdump *j, int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	int err = 1;

	if (end < 0)
		return -EBADMSG;
	if (j->read == 0) {
		err = header(j, fd, (uint64_t)end);
		if (err)
			return err;
		err = 1;
	}
	while (err == 1 && !j->counts.wrong && (uint64_t)end > j->read) {
		if (j->counts.records == JITDUMP_RECORDS) {
			j->counts.dropped++;
			break;
		}
		err = record(j, fd, (uint64_t)end);
	}
	j->counts.wrong += err == -EBADMSG;
	return err == -ENOMEM ? err : ranges_settle(&j->ranges);
}

static struct str name_of(const struct jitdump *j, struct name n)
{
	return n.len ? (struct str){ (const char *)j->text.p + n.at, n.len } : STR_NONE;
}

bool jitdump_find(const struct jitdump *j, uint64_t addr, struct frame *ret)
{
	const struct line *lines_p = j->lines.p, *best = NULL;
	const struct code *c;
	struct range r;

	if (!ranges_find(&j->ranges, addr, &r) || r.id >= j->code.n)
		return false;
	c = (const struct code *)j->code.p + r.id;
	for (uint32_t i = 0; i < c->nlines; i++) {
		const struct line *l = &lines_p[c->line + i];

		if (l->addr <= addr - c->start && (!best || l->addr >= best->addr))
			best = l;
	}
	*ret = (struct frame){ .kind = FRAME_JIT,
			       .module = STR("[jit]"),
			       .function = name_of(j, c->name),
			       .file = best ? name_of(j, best->file) : STR_NONE,
			       .line = best ? best->line : 0,
			       .address = addr };
	return true;
}

const struct jitdump_counts *jitdump_counts(const struct jitdump *j)
{
	return &j->counts;
}

size_t jitdump_bytes(const struct jitdump *j)
{
	return sizeof(*j) + j->ranges.cap * sizeof(*j->ranges.piece) +
	       j->code.cap * sizeof(struct code) + j->lines.cap * sizeof(struct line) + j->text.cap;
}
