/* Lines into ranges; names in one block, an entry of 8 bytes a line says where. */
#include "symbol/perf_map.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "symbol/ranges.h"

#define CHUNK 65536

struct entry {
	uint32_t name;
	uint32_t len;
};

struct perf_map {
	struct ranges ranges;
	struct entry *entry;
	size_t n, cap;
	char *text;
	size_t text_n, text_cap;
	uint64_t read; /* bytes of the file */
	struct perf_map_counts counts;
};

int perf_map_new(struct perf_map **ret)
{
	struct perf_map *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret = m;
	return 0;
}

static void contents_free(struct perf_map *m)
{
	ranges_free(&m->ranges);
	free(take_ptr(m->entry));
	free(take_ptr(m->text));
	m->n = m->cap = m->text_n = m->text_cap = 0;
	m->read = 0;
}

void perf_map_free(struct perf_map *m)
{
	if (!m)
		return;
	contents_free(m);
	free(m);
}

static bool hex_parse(struct str *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0, first;

	if (s->n > 2 && s->p[0] == '0' && (s->p[1] == 'x' || s->p[1] == 'X'))
		i = 2;
	for (first = i; i < s->n && i - first < 16; i++) {
		char c = s->p[i] | 0x20;
		int digit = c >= '0' && c <= '9' ? c - '0' :
			    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
						   -1;

		if (digit < 0)
			break;
		v = v << 4 | (uint64_t)digit;
	}
	if (i == first || i >= s->n || s->p[i] != ' ')
		return false;
	while (i < s->n && s->p[i] == ' ')
		i++;
	*s = str_skip(*s, i);
	*ret = v;
	return true;
}

static int room(struct perf_map *m, size_t text)
{
	size_t cap = m->cap ? m->cap * 2 : 256, text_cap = m->text_cap ? m->text_cap * 2 : 16384;
	struct entry *e;
	char *t;

	if (m->n == m->cap) {
		e = reallocarray(m->entry, cap, sizeof(*e));
		if (!e)
			return -ENOMEM;
		m->entry = e;
		m->cap = cap;
	}
	if (text > m->text_cap - m->text_n) {
		t = realloc(m->text, text_cap);
		if (!t)
			return -ENOMEM;
		m->text = t;
		m->text_cap = text_cap;
	}
	return 0;
}

static int line_add(struct perf_map *m, struct str line)
{
	uint64_t start, size;
	int err;

	m->counts.lines++;
	if (!hex_parse(&line, &start) || !hex_parse(&line, &size) || line.n == 0) {
		m->counts.wrong++;
		return 0;
	}
	if (line.n > PERF_MAP_NAME) {
		line.n = PERF_MAP_NAME;
		m->counts.names_cut++;
	}
	if (m->n == RANGES_MAX || line.n > PERF_MAP_TEXT - m->text_n) {
		m->counts.dropped++;
		return 0;
	}
	err = room(m, line.n);
	if (!err)
		err = ranges_add(&m->ranges, start, size, (uint32_t)m->n);
	if (err == -ENOSPC) {
		m->counts.dropped++;
		return 0;
	}
	if (err)
		return err;
	memcpy(m->text + m->text_n, line.p, line.n);
	m->entry[m->n++] = (struct entry){ (uint32_t)m->text_n, (uint32_t)line.n };
	m->text_n += line.n;
	return 0;
}

/* The whole lines that @s begins with; how many bytes they are. */
static int lines_add(struct perf_map *m, struct str s, size_t *ret)
{
	int err = 0;

	*ret = 0;
	while (!err) {
		struct str left = str_skip(s, *ret);
		const char *end = left.n ? memchr(left.p, '\n', left.n) : NULL;

		if (!end)
			break;
		err = line_add(m, (struct str){ left.p, (size_t)(end - left.p) });
		*ret += (size_t)(end - left.p) + 1;
	}
	return err;
}

int perf_map_update(struct perf_map *m, int fd)
{
	_cleanup_(freep) char *chunk = malloc(CHUNK);
	struct stat st;
	size_t done;
	int err = 0;

	if (!chunk)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -EIO;
	if ((uint64_t)st.st_size < m->read)
		contents_free(m);
	while (!err && m->read < PERF_MAP_BYTES) {
		ssize_t r = pread(fd, chunk, CHUNK, (off_t)m->read);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -EIO;
		err = lines_add(m, (struct str){ chunk, (size_t)r }, &done);
		if (done == 0 && r < CHUNK)
			break;
		/* A line longer than the chunk: its parts are wrong lines. */
		if (done == 0)
			m->counts.wrong++;
		m->read += done ? done : (size_t)r;
	}
	m->counts.dropped += m->read >= PERF_MAP_BYTES;
	return err ? err : ranges_settle(&m->ranges);
}

bool perf_map_find(const struct perf_map *m, uint64_t addr, struct frame *ret)
{
	const struct entry *e;
	struct range r;

	if (!ranges_find(&m->ranges, addr, &r) || r.id >= m->n)
		return false;
	e = &m->entry[r.id];
	*ret = (struct frame){ .kind = FRAME_JIT,
			       .module = STR("[jit]"),
			       .function = { m->text + e->name, e->len },
			       .address = addr };
	return true;
}

const struct perf_map_counts *perf_map_counts(const struct perf_map *m)
{
	return &m->counts;
}

size_t perf_map_bytes(const struct perf_map *m)
{
	return sizeof(*m) + m->ranges.cap * sizeof(*m->ranges.piece) + m->cap * sizeof(*m->entry) +
	       m->text_cap;
}
