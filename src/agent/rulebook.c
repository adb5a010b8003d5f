/* Rule files, found and read. */
#include "agent/rulebook.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"
#include "base/hash.h"

#define SHIPPED_NAME "(shipped rules)"

extern const char porthole_rules[], porthole_rules_end[];

struct str rulebook_shipped(void)
{
	return (struct str){ porthole_rules, (size_t)(porthole_rules_end - porthole_rules) };
}

int rulebook_load(const struct rulebook *b, struct problems *p, struct ruleset **ret)
{
	const struct rule_opts opts = {
		.catalogue = b->catalogue ? b->catalogue : catalogue_get(),
		.type_kinds = catalogue_type_kinds,
		.least = b->least,
	};
	const struct rule_source shipped = { SHIPPED_NAME, rulebook_shipped() };

	if (!opts.catalogue)
		return -ENOMEM;
	if (b->n == 0)
		return ruleset_load(&opts, &shipped, 1, p, ret);
	return ruleset_load_files(&opts, b->paths, b->n, p, ret);
}

static uint64_t stat_mark(const char *path, struct stat *ret)
{
	if (stat(path, ret) != 0)
		return hash_u64((uint64_t)errno);
	return hash_u64(ret->st_ino ^ hash_u64((uint64_t)ret->st_size ^
					       hash_u64((uint64_t)ret->st_mtim.tv_nsec ^
							(uint64_t)ret->st_mtim.tv_sec << 30)));
}

/* The sum over its files: their order in the directory does not matter. */
static uint64_t directory_mark(const char *path)
{
	DIR *dir = opendir(path);
	uint64_t sum = 0;
	struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir))) {
		struct str name = str_of(d->d_name);
		char file[4096];

		if (!str_ends(name, STR(".yaml")) && !str_ends(name, STR(".yml")))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, d->d_name);
		sum += hash_str(name) ^ stat_mark(file, &st);
	}
	if (dir)
		closedir(dir);
	return sum;
}

uint64_t rulebook_mark(const struct rulebook *b)
{
	uint64_t mark = 0;
	struct stat st;

	for (size_t i = 0; i < b->n; i++) {
		mark = hash_u64(mark + stat_mark(b->paths[i], &st));
		if (S_ISDIR(st.st_mode))
			mark += directory_mark(b->paths[i]);
	}
	return mark;
}

void rulebook_problems(const struct problems *p, struct buf *b)
{
	for (size_t i = 0; i < p->n; i++)
		problem_print(&p->list[i], b);
	if (p->errors + p->warnings > p->n)
		buf_printf(b, "and %zu more\n", p->errors + p->warnings - p->n);
}
