/* The configuration file: defaults, round trip, values, and what is said of wrong ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/config_table.h"
#include "agent/config_wrong_test.h"
#include "base/cleanup.h"
#include "event/event.h"

static void text_is(const struct buf *b, const char *want)
{
	assert_false(b->failed);
	if (!str_eq(buf_slice(b), str_of(want)))
		fail_msg("got:\n%.*s\nwant:\n%s", STR_ARG(buf_slice(b)), want);
}

static void wrong_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(config_wrong) / sizeof(config_wrong[0]); i++) {
		_cleanup_(buf_free) struct buf why = { 0 };
		struct config c, before;

		memset(&c, 0x5a, sizeof(c));
		before = c;
		assert_int_equal(config_parse(config_wrong[i].text, "t.yaml", &c, &why), -EINVAL);
		text_is(&why, config_wrong[i].want);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void defaults(void **state)
{
	static const char *const nothing[] = { "",     "# only a comment\n",	      "---\n",
					       "{}\n", "\xef\xbb\xbf# with a mark\n", "log: {}\n" };
	struct config c, d;
	_cleanup_(buf_free) struct buf why = { 0 };

	(void)state;
	config_default(&d);
	assert_true(d.metrics_enabled);
	assert_string_equal(d.metrics_address, "127.0.0.1:9876");
	assert_string_equal(d.control_socket, "/run/porthole/porthole.sock");
	assert_int_equal(d.kube_enabled, CONFIG_AUTO);
	assert_int_equal(d.kinds, KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_OPEN) |
					  KIND_BIT(KIND_CONNECT) | KIND_BIT(KIND_ACCEPT));
	assert_int_equal(d.log_level, LOG_INFO);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		assert_int_equal(config_parse(str_of(nothing[i]), "t", &c, &why), 0);
		assert_memory_equal(&c, &d, sizeof(c));
	}
}

/* Each row's default must be a value that the row itself accepts. */
static void table_is_sound(void **state)
{
	struct config c;

	(void)state;
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *k = &config_keys[i];

		assert_non_null(strchr(k->name, '.'));
		assert_non_null(k->help);
		assert_null(strchr(k->help, '\n'));
		if (!config_takes_list(k))
			assert_int_equal(config_set(k, str_of(k->standard), &c), 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(k->name, config_keys[j].name);
	}
}

static void round_trip(const struct config *c)
{
	_cleanup_(buf_free) struct buf one = { 0 }, two = { 0 }, why = { 0 };
	struct config back;

	config_print(c, &one);
	if (config_parse(buf_slice(&one), "printed", &back, &why) != 0)
		fail_msg("%.*s", STR_ARG(buf_slice(&why)));
	assert_memory_equal(&back, c, sizeof(back));
	config_print(&back, &two);
	buf_char(&one, '\0');
	text_is(&two, one.p);
	for (size_t i = 0; i < config_keys_n; i++)
		assert_true(str_contains(buf_slice(&two), str_of(config_keys[i].help)));
}

static void values(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct config c;

	(void)state;
	config_default(&c);
	round_trip(&c);
	assert_int_equal(config_parse(STR("kube: {node_name: \"n\xc3\xb6"
					  "de: 1\"}"),
				      "t", &c, &why),
			 0);
	assert_string_equal(c.kube_node_name, "n\xc3\xb6"
					      "de: 1");
	round_trip(&c);
	assert_int_equal(config_parse(STR("metrics: {enabled: false, address: \"[::1]:0\"}\n"
					  "control:\n  socket: \"/tmp/a \\\"b\\\" \\\\ #.sock\"\n"
					  "lock: {file: '/tmp/it''s'}\n"
					  "kube: {enabled: true, kubeconfig: /etc/k}\n"
					  "board:\n  kinds:\n  - all\n  refresh_ms: 100\n"
					  "  summary_ms: 3600000\nlog: {level: error}\n"),
				      "t", &c, &why),
			 0);
	assert_false(c.metrics_enabled);
	assert_string_equal(c.metrics_address, "[::1]:0");
	assert_string_equal(c.control_socket, "/tmp/a \"b\" \\ #.sock");
	assert_string_equal(c.lock_file, "/tmp/it's");
	assert_int_equal(c.kube_enabled, CONFIG_TRUE);
	assert_int_equal(c.kinds, KINDS_USUAL);
	assert_int_equal(c.board_refresh_ms, 100);
	assert_int_equal(c.log_level, LOG_ERROR);
	round_trip(&c);
	assert_int_equal(config_parse(STR("board: {kinds: []}"), "t", &c, &why), 0);
	assert_int_equal(c.kinds, 0);
	round_trip(&c);
}

/* Every beginning of a good file is read or refused, and no byte behind it is looked at. */
static void prefixes(void **state)
{
	_cleanup_(buf_free) struct buf text = { 0 };
	struct config c;

	(void)state;
	config_default(&c);
	config_print(&c, &text);
	for (size_t n = 0; n <= text.n; n++) {
		_cleanup_(buf_free) struct buf why = { 0 };
		_cleanup_(freep) char *copy = malloc(n ? n : 1);
		int err;

		assert_non_null(copy);
		memcpy(copy, text.p, n);
		err = config_parse((struct str){ copy, n }, "t", &c, &why);
		assert_true(err == 0 || err == -EINVAL);
		assert_int_equal(err == 0, why.n == 0);
	}
}

static void too_much(void **state)
{
	_cleanup_(buf_free) struct buf deep = { 0 }, big = { 0 }, why = { 0 };
	struct config c;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_char(&deep, '[');
	assert_int_equal(config_parse(buf_slice(&deep), "t", &c, &why), -EINVAL);
	while (big.n <= CONFIG_BYTES_MAX)
		buf_str(&big, STR("# comment\n"));
	buf_reset(&why);
	assert_int_equal(config_parse(buf_slice(&big), "t", &c, &why), -EINVAL);
	text_is(&why, "t: longer than 1048576 bytes");
}

static void files(void **state)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	char path[] = "/tmp/porthole-config-XXXXXX";
	_cleanup_(closep) int fd = mkstemp(path);
	struct config c;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd, "log: {level: debug}\n"), 20);
	assert_int_equal(config_read(path, &c, &why), 0);
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(config_read(path, &c, &why), -ENOENT);
	assert_true(str_ends(buf_slice(&why), STR(": No such file or directory")));
	assert_int_equal(config_read("/tmp", &c, &why), -EISDIR);
	buf_reset(&why);
	assert_int_equal(config_read("/dev/zero", &c, &why), -EINVAL);
}

/* Lists of texts, times and sizes. */
static void rules_and_alerts(void **state)
{
	static const char *const wrong[] = {
		"rules: {files: [\"\"]}",     "rules: {files: {a: b}}",
		"lookback: {window: 11m}",    "lookback: {window: -1s}",
		"lookback: {memory: 1B}",     "lookback: {memory: 8 apples}",
		"alerts: {file_size: 2TiB}",  "alerts: {http_timeout: 0}",
		"rules: {priority: serious}",
	};
	_cleanup_(buf_free) struct buf why = { 0 };
	struct config c;

	(void)state;
	assert_int_equal(config_parse(STR("rules:\n  files: [/etc/a, /etc/b.yaml]\n"
					  "  priority: warning\n"
					  "lookback: {window: 30s, memory: 1536KiB}\n"
					  "alerts: {dedup: \"60s by rule\", file_size: 1GiB}\n"),
				      "t", &c, &why),
			 0);
	assert_int_equal(c.rules_files.n, 2);
	assert_string_equal(c.rules_files.line[1], "/etc/b.yaml");
	assert_int_equal(c.rules_priority, 4);
	assert_int_equal(c.lookback_window_ns, 30 * NS_PER_SEC);
	assert_int_equal(c.lookback_memory_bytes, 1536 << 10);
	assert_int_equal(c.alerts_file_bytes, 1 << 30);
	assert_string_equal(c.alerts_dedup, "60s by rule");
	round_trip(&c);
	assert_int_equal(config_parse(STR("rules: {files: /etc/one}"), "t", &c, &why), 0);
	assert_int_equal(c.rules_files.n, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(config_parse(str_of(wrong[i]), "t", &c, &why), -EINVAL);
}

static void reference_page(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	config_markdown(&b);
	for (size_t i = 0; i < config_keys_n; i++) {
		assert_true(str_contains(buf_slice(&b), str_of(config_keys[i].name)));
		assert_true(str_contains(buf_slice(&b), str_of(config_keys[i].help)));
	}
}

/* doc/CONFIG.md is what the table says; "config_test --reference > doc/CONFIG.md" writes it anew. */
static void reference_is_current(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 }, have = { 0 };
	_cleanup_(fclosep) FILE *f = fopen("doc/CONFIG.md", "re");
	char piece[4096];
	size_t n;

	(void)state;
	if (!f) {
		print_message("not run from the top of the source tree\n");
		skip();
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&have, piece, n);
	config_markdown(&b);
	assert_true(str_eq(buf_slice(&b), buf_slice(&have)));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files),	  cmocka_unit_test(defaults),
		cmocka_unit_test(table_is_sound), cmocka_unit_test(values),
		cmocka_unit_test(prefixes),	  cmocka_unit_test(too_much),
		cmocka_unit_test(files),	  cmocka_unit_test(rules_and_alerts),
		cmocka_unit_test(reference_page), cmocka_unit_test(reference_is_current),
	};

	if (argc > 1 && strcmp(argv[1], "--reference") == 0) {
		_cleanup_(buf_free) struct buf b = { 0 };

		config_markdown(&b);
		return fwrite(b.p, 1, b.n, stdout) == b.n ? 0 : 1;
	}

	return cmocka_run_group_tests(tests, NULL, NULL);
}
