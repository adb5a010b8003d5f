/*
 * Block devices from /proc/diskstats: Documentation/admin-guide/iostats.rst. Partitions repeat what
 * their disk says, so they are left out; what nobody ever used is too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "source/vitals.h"
#include "source/vitals_file.h"

#define MS     1000000ull
#define SECTOR 512

static bool is_partition(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/block/%s/partition", name);
	return access(path, F_OK) == 0;
}

/* Flushes are told since 5.5, behind discards (4.18). */
static bool line_read(const char *line, struct vitals_device *ret)
{
	uint64_t v[17] = { 0 };
	struct vitals_device d = { .reads = 0 };
	int n = sscanf(
		line,
		"%*u %*u %31s %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu",
		d.name, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9],
		&v[10], &v[11], &v[12], &v[13], &v[14], &v[15], &v[16]);

	if (n < 12 || !(v[0] + v[4]) || is_partition(d.name))
		return false;
	d.reads = v[0];
	d.read_bytes = v[2] * SECTOR;
	d.read_ns = v[3] * MS;
	d.writes = v[4];
	d.written_bytes = v[6] * SECTOR;
	d.write_ns = v[7] * MS;
	d.busy_ns = v[9] * MS;
	d.flushes = v[15];
	d.flush_ns = v[16] * MS;
	*ret = d;
	return true;
}

int vitals_devices_read(const char *path, struct vitals_device *ret, size_t max, size_t *ret_n)
{
	char text[VITALS_FILE_BYTES], *rest = text;
	ssize_t got = vitals_file(path ? path : "/proc/diskstats", text, sizeof(text));
	size_t n = 0;

	if (got < 0)
		return (int)got;
	for (char *line; n < max && (line = strsep(&rest, "\n"));)
		n += line_read(line, &ret[n]);
	*ret_n = n;
	return 0;
}
