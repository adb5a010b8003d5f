/* The page: a golden one, label escapes, the bound on series, and promtool's opinion. */
#include "out/prometheus/prometheus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"

static struct metrics *metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->version = "0.1.0";
	return m;
}

static bool page_has(const struct metrics *m, const char *line)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	metrics_print(m, &b);
	assert_false(b.failed);
	return str_contains(buf_slice(&b), str_of(line));
}

static void must_have(const struct metrics *m, const char *line)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	if (page_has(m, line))
		return;
	metrics_print(m, &b);
	fail_msg("\"%s\" is not in:\n%.*s", line, STR_ARG(buf_slice(&b)));
}

static struct metrics *filled(void)
{
	struct metrics *m = metrics_new();

	m->start_wall_ns = 1700000000012345678ull;
	m->cpu_ns = 1000000001;
	m->rss_bytes = 4096;
	m->records = UINT64_MAX;
	m->kinds[KIND_EXEC] = (struct metrics_kind){ 1, 2, 3, 4, 5 };
	metrics_loss_add(m, "records", "damaged", 6);
	metrics_refusal_add(m, "http", "no version", 3);
	metrics_refusal_add(m, "redis", "no version", 1);
	metrics_refusal_add(m, (char[]){ "http" }, (char[]){ "no version" }, 4); /* compared as text */
	metrics_probe_add(m, "process", "on", "");
	metrics_probe_add(m, "tcp", "unavailable", "no such tracepoint");
	metrics_kube_add(m, &(struct metrics_kube){ "pods", true, 7, 8 });
	metrics_series_add(m, STR("shop"), STR("cart-0"), STR("web"), KIND_OPEN, 9, 1);
	metrics_series_add(m, STR("shop"), STR("cart-0"), STR("web"), KIND_EXEC, 3, 0);
	metrics_series_add(m, STR("shop"), STR("cart-0"), STR("web"), KIND_OPEN, 1, 1);
	metrics_series_add(m, STR_NONE, STR_NONE, STR("ssh.service"), KIND_OPEN, 2, 0);
	m->detect = (struct metrics_detect){ .on = true, .rules = 2, .alerts = 11, .folded = 4 };
	*metrics_rule_add(m, STR("A \"shell\""), "Notice") =
		(struct metrics_rule){ "A \"shell\"", "Notice", 30, 20, 10 };
	assert_non_null(metrics_rule_add(m, STR("other"), "Debug"));
	assert_null(metrics_rule_add(m, STR("other"), "Debug"));
	metrics_channel_add(m, "http")->sent = 7;
	return m;
}

static void lines(void **state)
{
	static const char *const want[] = {
		"# HELP porthole_build_info Always 1; the version is a label.\n"
		"# TYPE porthole_build_info gauge\nporthole_build_info{version=\"0.1.0\"} 1\n",
		"\nporthole_start_time_seconds 1700000000.012345678\n",
		"# TYPE porthole_cpu_seconds_total counter\nporthole_cpu_seconds_total 1.000000001\n",
		"\nporthole_resident_memory_bytes 4096\n",
		"\nporthole_records_total 18446744073709551615\n",
		"\nporthole_events_total{kind=\"exec\"} 1\n",
		"\nporthole_events_total{kind=\"open\"} 0\n",
		"\nporthole_events_lost_total{kind=\"exec\",reason=\"ring_full\"} 2\n",
		"\nporthole_events_lost_total{kind=\"exec\",reason=\"map_full\"} 3\n",
		"\nporthole_events_incomplete_total{kind=\"exec\",reason=\"fault\"} 4\n",
		"\nporthole_events_incomplete_total{kind=\"exec\",reason=\"cut\"} 5\n",
		"\nporthole_lost_total{what=\"records\",reason=\"damaged\"} 6\n",
		"\nporthole_requests_refused_total{protocol=\"http\",reason=\"no version\"} 7\n"
		"porthole_requests_refused_total{protocol=\"redis\",reason=\"no version\"} 1\n",
		"\nporthole_probe_state{probe=\"process\",state=\"on\"} 1\n",
		"\nporthole_probe_state{probe=\"process\",state=\"off\"} 0\n",
		"\nporthole_probe_state{probe=\"tcp\",state=\"unavailable\"} 1\n",
		"\nporthole_rules 2\n",
		"\nporthole_alerts_total 11\n",
		"\nporthole_alerts_folded_total 4\n",
		"\nporthole_alerts_limited_total{limit=\"pod\"} 0\n",
		"\nporthole_rule_evaluated_total{rule=\"A \\\"shell\\\"\",priority=\"Notice\"} 30\n",
		"\nporthole_rule_alerts_total{rule=\"other\",priority=\"Debug\"} 0\n",
		"\nporthole_alerts_sent_total{channel=\"http\"} 7\n",
		"\nporthole_kube_synced{resource=\"pods\"} 1\n",
		"\nporthole_kube_objects_total{resource=\"pods\"} 7\n",
		"\nporthole_kube_errors_total{resource=\"pods\"} 8\n",
		"\nporthole_cgroup_events_total{namespace=\"shop\",pod=\"cart-0\",container=\"web\","
		"kind=\"open\"} 10\n",
		"\nporthole_cgroup_errors_total{namespace=\"shop\",pod=\"cart-0\",container=\"web\","
		"kind=\"open\"} 2\n",
		"\nporthole_cgroup_events_total{container=\"ssh.service\",kind=\"open\"} 2\n",
	};
	_cleanup_(freep) struct metrics *m = filled();

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		must_have(m, want[i]);
	assert_int_equal(m->nseries, 3);
}

/* No name stands twice as a HELP line, and each sample's metric has one before it. */
static void well_formed(void **state)
{
	_cleanup_(freep) struct metrics *m = filled();
	_cleanup_(buf_free) struct buf b = { 0 };
	char *rest = NULL, name[128] = "";

	(void)state;
	metrics_print(m, &b);
	assert_int_equal(b.p[b.n - 1], '\n');
	b.p[b.n - 1] = '\0';
	for (char *line = strtok_r(b.p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t n = strcspn(line, "{ ");

		if (sscanf(line, "# TYPE %127s", name) == 1 || strncmp(line, "# HELP ", 7) == 0)
			continue;
		assert_int_equal(n, strlen(name));
		assert_memory_equal(line, name, n);
	}
}

static void hostile_names(void **state)
{
	_cleanup_(freep) struct metrics *m = metrics_new();

	(void)state;
	metrics_series_add(m, STR("a\"b\\c\nd"), STR("\xff\xc3\xa4\xc3"), STR("}"), KIND_OPEN, 1, 0);
	metrics_series_add(m, STR("a\"b\\c\nd"), STR("\xfe\xc3\xa4\xe2"), STR("}"), KIND_OPEN, 1, 0);
	assert_int_equal(m->nseries, 1);
	must_have(m,
		  "{namespace=\"a\\\"b\\\\c\\nd\",pod=\"?\xc3\xa4?\",container=\"}\",kind=\"open\"} 2\n");
}

/* Names that differ only behind the cut are one series, as they come out alike. */
static void long_names(void **state)
{
	_cleanup_(freep) struct metrics *m = metrics_new();
	char name[METRICS_POD_BYTES + 8];

	(void)state;
	memset(name, 'x', sizeof(name));
	for (size_t i = 0; i < 4; i++) {
		name[METRICS_POD_BYTES + 2] = (char)('a' + i);
		metrics_series_add(m, STR_NONE, STR_NONE, (struct str){ name, sizeof(name) },
				   KIND_OPEN, 1, 0);
	}
	assert_int_equal(m->nseries, 1);
	assert_int_equal(m->series[0].events, 4);
}

static void bounded(void **state)
{
	_cleanup_(freep) struct metrics *m = metrics_new();
	uint64_t sum = 0;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 2 * METRICS_SERIES_MAX; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		metrics_series_add(m, STR_NONE, STR_NONE, str_of(name), KIND_OPEN, 1, 1);
	}
	metrics_series_add(m, STR_NONE, STR_NONE, STR("c0"), KIND_OPEN, 1, 1);
	assert_int_equal(m->nseries, METRICS_SERIES_MAX);
	for (size_t i = 0; i < m->nseries; i++)
		sum += m->series[i].events;
	assert_int_equal(sum + m->other[KIND_OPEN].events, 2 * METRICS_SERIES_MAX + 1);
	must_have(m, "\nporthole_cgroup_events_total{container=\"other\",kind=\"open\"} 500\n");
	for (int i = 0; i < 100; i++) {
		metrics_loss_add(m, "x", "y", 1);
		metrics_probe_add(m, "p", "on", NULL);
		metrics_kube_add(m, &(struct metrics_kube){ .resource = "r" });
	}
	assert_int_equal(m->nlosses, METRICS_LOSSES_MAX);
	assert_int_equal(m->nprobes, METRICS_PROBES_MAX);
	assert_int_equal(m->nkube, METRICS_KUBE_MAX);
}

static void promtool(void **state)
{
	_cleanup_(freep) struct metrics *m = filled();
	_cleanup_(buf_free) struct buf b = { 0 };
	FILE *p;

	(void)state;
	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		print_message("promtool is not installed\n");
		skip();
	}
	metrics_print(m, &b);
	p = popen("promtool check metrics >&2", "w");
	assert_non_null(p);
	assert_int_equal(fwrite(b.p, 1, b.n, p), b.n);
	assert_int_equal(pclose(p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),	 cmocka_unit_test(well_formed),
		cmocka_unit_test(hostile_names), cmocka_unit_test(long_names),
		cmocka_unit_test(bounded),	 cmocka_unit_test(promtool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
