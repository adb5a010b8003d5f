/* Finding debug files, and unpacking xz. */
#include "symbol/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "symbol/below.h"

#define CHUNK	   65536
#define XZ_MEMORY  (16u << 20) /* xz -6, which distributions use, needs 9 MiB */
#define LINK_MAX_N 256
#define PLACES_MAX 4

static bool build_id_agrees(const struct image *a, const struct image *b)
{
	return a->build_id_n && a->build_id_n == b->build_id_n &&
	       memcmp(a->build_id, b->build_id, a->build_id_n) == 0;
}

static bool crc_agrees(const struct image *im, uint32_t want)
{
	_cleanup_(freep) uint8_t *chunk = malloc(CHUNK);
	uLong crc = crc32(0, NULL, 0);
	size_t n;

	for (uint64_t at = 0; chunk && at < im->bytes.n; at += n) {
		n = bytes_some(&im->bytes, at, im->bytes.n, chunk, CHUNK);
		if (n == 0)
			return false;
		crc = crc32(crc, chunk, (uInt)n);
	}
	return chunk && crc == want;
}

/* The name, NUL, padding to 4, CRC-32. */
static bool link_read(const struct image *im, char ret_name[LINK_MAX_N], uint32_t *ret_crc)
{
	const struct image_section *s = &im->debuglink;
	size_t n = bytes_some(&im->bytes, s->off, s->off + s->size, ret_name, LINK_MAX_N);
	size_t len = strnlen(ret_name, n);

	return n && len < n && len > 0 && !memchr(ret_name, '/', len) &&
	       bytes_read(&im->bytes, s->off + ((len + 4) & ~(size_t)3), ret_crc, 4);
}

/* @crc: NULL, then the build id must agree. */
static int try_open(const struct image *im, int root_fd, const char *path, const uint32_t *crc,
		    struct image *ret, uint64_t *ret_wrong)
{
	int fd = below_open(root_fd, path);
	struct image got;

	if (fd < 0)
		return -ENOENT;
	if (image_open(fd, &got) == 0) {
		bool ok = crc && got.bytes.n <= DEBUG_CRC_MAX ? crc_agrees(&got, *crc) :
								build_id_agrees(im, &got);

		if (ok) {
			*ret = got;
			return 0;
		}
		image_close(&got);
	}
	(*ret_wrong)++;
	return -ENOENT;
}

static int by_build_id(const struct image *im, int root_fd, struct image *ret, uint64_t *ret_wrong)
{
	char path[64 + 2 * IMAGE_BUILD_ID_MAX];
	int n;

	if (im->build_id_n < 2)
		return -ENOENT;
	n = sprintf(path, "/usr/lib/debug/.build-id/%02x/", im->build_id[0]);
	for (size_t i = 1; i < im->build_id_n; i++)
		n += sprintf(path + n, "%02x", im->build_id[i]);
	strcpy(path + n, ".debug");
	return try_open(im, root_fd, path, NULL, ret, ret_wrong);
}

static int by_link(const struct image *im, int root_fd, struct str file, struct image *ret,
		   uint64_t *ret_wrong)
{
	static const char *const forms[] = { "%.*s/%s", "%.*s/.debug/%s", "/usr/lib/debug%.*s/%s" };
	const char *slash = file.n ? memrchr(file.p, '/', file.n) : NULL;
	char link[LINK_MAX_N], path[PATH_MAX];
	uint32_t crc;
	int err = -ENOENT;

	if (!slash || !link_read(im, link, &crc))
		return -ENOENT;
	for (size_t i = 0; err && i < sizeof(forms) / sizeof(forms[0]); i++) {
		int n = snprintf(path, sizeof(path), forms[i], (int)(slash - file.p), file.p, link);

		if (n < (int)sizeof(path))
			err = try_open(im, root_fd, path, &crc, ret, ret_wrong);
	}
	return err;
}

int debug_file_open(const struct image *im, const struct debug_places *places, struct image *ret,
		    uint64_t *ret_wrong)
{
	const int roots[] = { places->root_fd, places->host_root_fd };
	int err = -ENOENT;

	for (size_t i = 0; err && i < 2; i++) {
		if (roots[i] < 0)
			continue;
		err = by_build_id(im, roots[i], ret, ret_wrong);
		if (err)
			err = by_link(im, roots[i], places->path, ret, ret_wrong);
	}
	return err;
}

static void lzma_endp(lzma_stream *z)
{
	lzma_end(z);
}

/* Runs the decoder until its end, or until it wants more than it is given. */
static int unpack(lzma_stream *z, const struct image *im, uint8_t **out, size_t *ret_n)
{
	uint64_t at = im->debugdata.off, end = at + im->debugdata.size;
	lzma_ret r = LZMA_OK;
	uint8_t chunk[4096], *more;
	size_t cap = 0;

	while (r == LZMA_OK) {
		if (z->avail_in == 0) {
			z->avail_in = bytes_some(&im->bytes, at, end, chunk, sizeof(chunk));
			z->next_in = chunk;
			at += z->avail_in;
			if (z->avail_in == 0)
				return -EBADMSG;
		}
		if (z->avail_out == 0) {
			if (cap == DEBUG_UNPACK_MAX)
				return -EBADMSG;
			more = realloc(*out, cap ? cap * 2 : CHUNK);
			if (!more)
				return -ENOMEM;
			*out = more;
			z->next_out = more + cap;
			z->avail_out = cap ? cap : CHUNK;
			cap += z->avail_out;
		}
		r = lzma_code(z, LZMA_RUN);
	}
	*ret_n = cap - z->avail_out;
	return r == LZMA_STREAM_END ? 0 : r == LZMA_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

int debug_data_unpack(const struct image *im, struct image *ret)
{
	_cleanup_(lzma_endp) lzma_stream z = LZMA_STREAM_INIT;
	_cleanup_(freep) uint8_t *out = NULL;
	size_t n;
	int err;

	if (im->debugdata.size == 0)
		return -ENOENT;
	if (lzma_stream_decoder(&z, XZ_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	err = unpack(&z, im, &out, &n);
	if (err)
		return err;
	return image_memory(take_ptr(out), n, ret) ? -EBADMSG : 0;
}
