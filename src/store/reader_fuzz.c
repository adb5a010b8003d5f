/*
 * A statement of any text over a small history: no crash, nothing but reading, and an end. The input
 * is the SQL. The deadline is short; what passes libFuzzer's -timeout, in one step of SQLite's, is a finding.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/testing.h"

#define ROWS	   200
#define TIMEOUT_NS (50 * NS_PER_MS)

static char dir[] = "/tmp/porthole-reader-fuzz-XXXXXX";
static struct store_schema *schema;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void dir_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd) != 0)
		perror(dir);
}

static void history_make(void)
{
	struct store_opts o = { .directory = dir,
				.max_bytes = STORE_BYTES_MIN,
				.max_age_ns = 3600 * NS_PER_SEC };
	struct store *st = NULL;

	must(mkdtemp(dir));
	atexit(dir_remove);
	o.schema = schema = store_test_schema();
	must(store_open(&o, &st) == 0 && store_start(st) == 0);
	for (uint64_t i = 1; i <= ROWS; i++)
		store_test_put(st, i, i, "sh", STR("exec"));
	must(store_close(st, 5000));
}

static int head(void *ctx, size_t n, const char *const *names, const char *const *types)
{
	(void)ctx;
	(void)types;
	for (size_t i = 0; i < n; i++)
		must(names[i] != NULL);
	return 0;
}

static int row(void *ctx, size_t n, const struct store_value *v)
{
	size_t *bytes = ctx;

	for (size_t i = 0; i < n; i++) {
		must(v[i].str.n <= STORE_VALUE_MAX);
		*bytes += v[i].str.n;
	}
	return 0;
}

static bool history_whole(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/x", dir);
	return stat(path, &st) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str sql = { size ? (const char *)data : "", size };
	struct store_reader_opts o = { .directory = dir,
				       .to_ns = INT64_MAX,
				       .now_ns = 1000,
				       .timeout_ns = TIMEOUT_NS,
				       .memory_bytes = 16 << 20,
				       .rows_max = 500 };
	_cleanup_(buf_free) struct buf why = { 0 };
	struct store_reader *r = NULL;
	struct store_result to = { NULL, head, row };
	struct store_read read;
	size_t bytes = 0;

	if (!schema)
		history_make();
	o.schema = schema;
	to.ctx = &bytes;
	must(store_reader_open(&o, &r, &why) == 0);
	if (store_reader_query(r, sql, &to, &read, &why) != 0)
		must(why.n > 0);
	must(read.damaged + read.foreign == 0);
	must(history_whole());
	store_reader_close(r);
	return 0;
}
