/*
 * A kept profile of any bytes: the input as the whole file, and as what is packed into a sound one, so
 * that the checksum is no wall. What is read can be written, and read again to the same.
 */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "agg/profile_file.h"
#include "base/cleanup.h"

#define INPUT_MAX 65536

static void must(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t sum(const struct profile *p)
{
	uint64_t all = 0;
	size_t n;
	const struct profile_sample *s = profile_samples(p, &n);

	for (size_t i = 0; i < n; i++)
		all += s[i].value[0];
	return all;
}

static void check(struct str bytes)
{
	_cleanup_(profile_freep) struct profile *p = NULL, *q = NULL;
	_cleanup_(buf_free) struct buf b = { 0 };

	if (profile_file_read(bytes, &p) != 0)
		return;
	must(profile_file_write(p, &b) == 0);
	must(profile_file_read(buf_slice(&b), &q) == 0);
	must(profile_series_count(p) == profile_series_count(q) && sum(p) == sum(q));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const uint16_t version[2] = { PROFILE_FILE_VERSION, 0 };
	uint32_t sizes[2] = { (uint32_t)size, 0 }, crc;
	char *to;
	size_t n;

	if (size > INPUT_MAX)
		return 0;
	check((struct str){ (const char *)data, size });
	to = buf_grow(&b, PROFILE_FILE_HEAD + ZSTD_compressBound(size));
	must(to != NULL);
	n = ZSTD_compress(to + PROFILE_FILE_HEAD, ZSTD_compressBound(size), data, size, 1);
	must(!ZSTD_isError(n));
	sizes[1] = (uint32_t)n;
	memcpy(to, "PRTHPROF", 8);
	memcpy(to + 8, version, sizeof(version));
	memcpy(to + 12, sizes, sizeof(sizes));
	crc = (uint32_t)crc32_z(0, (const Bytef *)to, PROFILE_FILE_HEAD - 4);
	crc = (uint32_t)crc32_z(crc, (const Bytef *)to + PROFILE_FILE_HEAD, n);
	memcpy(to + PROFILE_FILE_HEAD - 4, &crc, sizeof(crc));
	check((struct str){ to, PROFILE_FILE_HEAD + n });
	return 0;
}
