/* Accounting files: bounded reads, and tables that say which key goes where. */
#include "source/vitals_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

ssize_t vitals_file(const char *path, char *text, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return -errno;
	while (n + 1 < size) {
		ssize_t got = read(fd, text + n, size - 1 - n);

		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	text[n] = 0;
	return (ssize_t)n;
}

static void keys_line(const char *line, const struct vitals_key *keys, void *into)
{
	size_t n = strcspn(line, " :\t");
	const char *value = line + n + strspn(line + n, " :\t");

	for (const struct vitals_key *k = keys; k->key; k++)
		if (strlen(k->key) == n && strncmp(k->key, line, n) == 0)
			*(uint64_t *)((char *)into + k->offset) +=
				strtoull(value, NULL, 10) * k->scale;
}

int vitals_keys(const char *path, const struct vitals_key *keys, void *into)
{
	_cleanup_(freep) char *text = malloc(VITALS_FILE_BYTES);
	char *save = NULL;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = vitals_file(path, text, VITALS_FILE_BYTES);
	if (n < 0)
		return (int)n;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		keys_line(l, keys, into);
	return 0;
}

int vitals_number(const char *path, uint64_t *ret)
{
	char text[64];
	ssize_t n = vitals_file(path, text, sizeof(text));

	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	if (strncmp(text, "max", 3) == 0 || text[0] == '-')
		*ret = VITALS_NO_LIMIT;
	else
		*ret = strtoull(text, NULL, 10);
	return 0;
}

int vitals_pressure_read(const char *path, struct vitals_pressure *ret)
{
	char text[256];
	ssize_t n = vitals_file(path, text, sizeof(text));
	const char *some, *full;

	if (n < 0)
		return (int)n;
	full = strstr(text, "full ");
	some = strstr(text, "some ");
	some = some ? strstr(some, "total=") : NULL;
	full = full ? strstr(full, "total=") : NULL;
	ret->some_ns = some ? strtoull(some + 6, NULL, 10) * VITALS_USEC : 0;
	ret->full_ns = full ? strtoull(full + 6, NULL, 10) * VITALS_USEC : 0;
	return 0;
}
