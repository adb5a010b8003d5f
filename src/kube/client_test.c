/*
 * The real client against test/kube/apiserver.py over TLS: what it ends up knowing, after each
 * thing that can go wrong. Skipped, saying so, where python3 or openssl is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
/* cmocka wants the ones above first */
#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "kube/client.h"
#include "kube/testdata_test.h"

#define WAIT_MS 15000u /* a busy machine is slow to shake hands */

/* --- the server ------------------------------------------------------------------------------- */

static struct {
	pid_t pid;
	FILE *to, *from;
	char dir[64], port[16];
	char log[65536]; /* REQ lines since the last server_do("reset") */
} server;

/* Reads until the answer to a command; requests on the way go to the log. */
static void server_answer(void)
{
	char line[8192];

	while (fgets(line, sizeof(line), server.from)) {
		size_t n = strlen(server.log);

		if (!strncmp(line, "OK", 2))
			return;
		if (!strncmp(line, "ERR", 3))
			fail_msg("%s", line);
		if (sscanf(line, "READY %15s", server.port) == 1)
			return;
		snprintf(server.log + n, sizeof(server.log) - n, "%s", line);
	}
	fail_msg("the stand-in server is gone");
}

static void server_do(const char *command)
{
	fprintf(server.to, "%s\n", command);
	fflush(server.to);
	server_answer();
}

static bool tool_there(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", name);
	return system(command) == 0;
}

static int server_start(void **state)
{
	char script[512];
	int in[2], out[2];

	(void)state;
	if (!tool_there("python3") || !tool_there("openssl"))
		return 0;
	strcpy(server.dir, "/tmp/kube_test.XXXXXX");
	if (!mkdtemp(server.dir) || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	snprintf(script, sizeof(script), "%s/test/kube/apiserver.py", testdata_top());
	server.pid = fork();
	if (server.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("python3", "python3", script, "--dir", server.dir, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server.to = fdopen(in[1], "w");
	server.from = fdopen(out[0], "r");
	server_answer();
	return 0;
}

static int server_stop(void **state)
{
	char command[128];

	(void)state;
	if (server.pid <= 0)
		return 0;
	fclose(server.to);
	kill(server.pid, SIGTERM);
	waitpid(server.pid, NULL, 0);
	fclose(server.from);
	snprintf(command, sizeof(command), "rm -rf %s", server.dir);
	return system(command);
}

/* --- what the sink knows: the simplest table that keeps to the contract ----------------------- */

#define KNOWN_MAX 20000

struct known {
	uint8_t type, scope;
	unsigned epoch;
	char uid[64], name[128];
};

static struct {
	pthread_mutex_t lock;
	struct known all[KNOWN_MAX];
	size_t n;
	unsigned epoch[KUBE_TYPES][KUBE_SCOPES];
	unsigned ends[KUBE_TYPES][KUBE_SCOPES];
	char notes[4096];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct known *known_find(const struct kube_obj *o)
{
	for (size_t i = 0; i < table.n; i++) {
		struct known *k = &table.all[i];

		if (k->type == o->type && k->scope == o->scope && strlen(k->uid) == o->uid.n &&
		    !memcmp(k->uid, o->uid.p, o->uid.n))
			return k;
	}
	return NULL;
}

static void known_upsert(const struct kube_obj *o)
{
	struct known *k = known_find(o);

	if (!k && table.n < KNOWN_MAX)
		k = &table.all[table.n++];
	if (!k)
		return;
	*k = (struct known){ .type = o->type,
			     .scope = o->scope,
			     .epoch = table.epoch[o->type][o->scope] };
	snprintf(k->uid, sizeof(k->uid), "%.*s", STR_ARG(o->uid));
	snprintf(k->name, sizeof(k->name), "%.*s", STR_ARG(o->name));
}

static void known_sweep(const struct kube_obj *o)
{
	for (size_t i = 0; i < table.n;) {
		struct known *k = &table.all[i];

		if (k->type == o->type && k->scope == o->scope &&
		    k->epoch != table.epoch[o->type][o->scope])
			*k = table.all[--table.n];
		else
			i++;
	}
	table.ends[o->type][o->scope]++;
}

static void sink(void *ctx, const struct kube_obj *o)
{
	struct known *k;

	(void)ctx;
	pthread_mutex_lock(&table.lock);
	if (o->op == KUBE_RESYNC_BEGIN)
		table.epoch[o->type][o->scope]++;
	else if (o->op == KUBE_RESYNC_END)
		known_sweep(o);
	else if (o->op == KUBE_UPSERT)
		known_upsert(o);
	else if ((k = known_find(o)))
		*k = table.all[--table.n];
	pthread_mutex_unlock(&table.lock);
}

static void note(void *ctx, const struct kube_note *n)
{
	size_t at;

	(void)ctx;
	pthread_mutex_lock(&table.lock);
	at = strlen(table.notes);
	snprintf(table.notes + at, sizeof(table.notes) - at, "%s %s %d %s\n", n->name,
		 kube_state_name(n->state), n->http_code, n->text);
	pthread_mutex_unlock(&table.lock);
}

static size_t known_count(int type, int scope)
{
	size_t n = 0;

	pthread_mutex_lock(&table.lock);
	for (size_t i = 0; i < table.n; i++)
		n += table.all[i].type == type && (scope < 0 || table.all[i].scope == scope);
	pthread_mutex_unlock(&table.lock);
	return n;
}

static bool known_name(const char *name)
{
	bool found = false;

	pthread_mutex_lock(&table.lock);
	for (size_t i = 0; i < table.n; i++)
		found = found || !strcmp(table.all[i].name, name);
	pthread_mutex_unlock(&table.lock);
	return found;
}

static size_t notes_with(const char *what)
{
	size_t n = 0;

	pthread_mutex_lock(&table.lock);
	for (const char *p = table.notes; (p = strstr(p, what)); p++)
		n++;
	pthread_mutex_unlock(&table.lock);
	return n;
}

/* --- the client ------------------------------------------------------------------------------- */

static struct kube_client *client;

static const struct kube_client_conf quick = {
	.node_name = "node-a",
	.page_limit = 3,
	.connect_ms = 3000,
	.list_stall_ms = 3000,
	.stale_ms = 3000,
	.backoff_min_ms = 10,
	.backoff_max_ms = 100,
	.denied_retry_ms = 200,
	.start_spread_ms = 1,
};

static struct kube_status status(enum kube_resource r)
{
	struct kube_status s;

	kube_client_status(client, r, &s);
	return s;
}

static bool all_synced(void)
{
	for (int i = 0; i < KUBE_RESOURCES; i++)
		if (!status((enum kube_resource)i).synced)
			return false;
	return true;
}

/* True as soon as @what is; false after WAIT_MS. */
#define eventually(what)                                                 \
	({                                                               \
		uint64_t _end = clock_boot().ns + WAIT_MS * NS_PER_MS;   \
		bool _ok;                                                \
		while (!(_ok = (what)) && clock_boot().ns < _end)        \
			usleep(2000);                                    \
		if (!_ok)                                                \
			print_error("notes:\n%slast: %s\n", table.notes, \
				    status(KUBE_RES_SERVICES).error);    \
		_ok;                                                     \
	})

static void start_with(const struct kube_auth *auth, const struct kube_client_conf *conf)
{
	table.n = 0;
	table.notes[0] = 0;
	memset(table.ends, 0, sizeof(table.ends));
	assert_int_equal(kube_client_start(auth, conf, sink, note, NULL, &client), 0);
}

static struct kube_auth auth_file(const char *name)
{
	struct kube_auth auth = { 0 };
	struct kube_auth_error e = { "" };
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", server.dir, name);
	if (kube_auth_kubeconfig_file(path, NULL, &auth, &e))
		fail_msg("%s", e.text);
	return auth;
}

/* Patient, unless the fault is silence. */
static struct kube_client_conf conf_for(const char *fault)
{
	struct kube_client_conf conf = quick;

	if (strstr(fault, "stale") || strstr(fault, "hang"))
		conf.stale_ms = conf.list_stall_ms = 250;
	return conf;
}

/* A client with the token kubeconfig, from the beginning of the server's story. */
static void start(const struct kube_client_conf *conf)
{
	struct kube_auth auth = auth_file("kubeconfig");

	start_with(&auth, conf);
	kube_auth_free(&auth);
}

static int each_setup(void **state)
{
	(void)state;
	if (server.pid <= 0)
		return 0;
	server_do("reset");
	server_do("token stand-in-token");
	server.log[0] = 0;
	return 0;
}

static int each_teardown(void **state)
{
	(void)state;
	kube_client_stop(client);
	client = NULL;
	return 0;
}

static void need_server(void)
{
	if (server.pid <= 0) {
		print_message("SKIP: python3 and openssl are needed\n");
		skip();
	}
}

/* --- tests ------------------------------------------------------------------------------------ */

/* What the recordings hold before and after their watch events. */
static void expect_start(void)
{
	assert_true(eventually(all_synced()));
	assert_int_equal(known_count(KUBE_POD, KUBE_SCOPE_NODE), 4);
	assert_int_equal(known_count(KUBE_POD, KUBE_SCOPE_CLUSTER), 4);
	assert_int_equal(known_count(KUBE_NAMESPACE, -1), 6);
	assert_int_equal(known_count(KUBE_SERVICE, -1), 5);
	assert_int_equal(known_count(KUBE_ENDPOINTSLICE, -1), 4);
	assert_int_equal(known_count(KUBE_NODE, -1), 2);
}

static void test_story(void **state)
{
	(void)state;
	need_server();
	start(&quick);
	expect_start();
	assert_true(known_name("hostnet"));
	server_do("play");
	assert_true(eventually(!known_name("hostnet")));
	server_do("event services DELETED {\"metadata\":{\"namespace\":\"shop\",\"name\":\"edge\","
		  "\"uid\":\"066c0365-6ca7-4ec5-a4a1-f46c64c22883\"}}");
	assert_true(eventually(!known_name("edge")));
	server_do("bookmark");
	assert_non_null(strstr(server.log, "node-pods list 200 /api/v1/pods?limit=3&fieldSelector="
					   "spec.nodeName%3Dnode-a\n"));
	assert_non_null(
		strstr(server.log, "namespaces list 200 /api/v1/namespaces?limit=3&continue="));
	assert_non_null(strstr(server.log, "services watch 200"));
	assert_non_null(strstr(server.log, "allowWatchBookmarks=true"));
	assert_int_equal(notes_with("watching"), 6);
	assert_int_equal(status(KUBE_RES_SERVICES).failures, 0);
	assert_int_equal(status(KUBE_RES_NAMESPACES).requests, 3);
	assert_int_equal(status(KUBE_RES_SERVICES).http_code, 200);
	assert_true(status(KUBE_RES_NODE_PODS).bytes > 10000);
}

/* A pod that is bound to this node moves from one stream to the other. */
static void test_pod_is_bound(void **state)
{
	(void)state;
	need_server();
	start(&quick);
	expect_start();
	server_do("event pods ADDED {\"metadata\":{\"namespace\":\"n\",\"name\":\"new\",\"uid\":\"u-1\"},"
		  "\"spec\":{},\"status\":{\"phase\":\"Pending\"}}");
	assert_true(eventually(known_count(KUBE_POD, KUBE_SCOPE_CLUSTER) == 5));
	server_do("event pods MODIFIED {\"metadata\":{\"namespace\":\"n\",\"name\":\"new\",\"uid\":"
		  "\"u-1\"},\"spec\":{\"nodeName\":\"node-a\"},\"status\":{\"phase\":\"Pending\"}}");
	assert_true(eventually(known_count(KUBE_POD, KUBE_SCOPE_CLUSTER) == 4 &&
			       known_count(KUBE_POD, KUBE_SCOPE_NODE) == 5));
}

/* Each of these, once or a few times, at the list: in the end everything is known all the same. */
static void test_list_faults(void **state)
{
	static const char *const faults[] = {
		"list cut 2",	 "list slow",	   "list http500 2", "list http401 2",
		"list http504",	 "list garbage 2", "list stale",     "list hang",
		"list reset 2",	 "list badjson 3", "list huge",	     "list deep",
		"list nameless", "more gone",	   "more cut 2",     "list gone 2",
	};
	char command[64];

	(void)state;
	need_server();
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct kube_client_conf conf = conf_for(faults[i]);

		server_do("reset");
		snprintf(command, sizeof(command), "fault services %s", faults[i]);
		server_do(command);
		start(&conf);
		expect_start();
		each_teardown(NULL);
	}
}

static void test_list_counters(void **state)
{
	struct kube_client_conf conf = quick;

	(void)state;
	need_server();
	conf.page_limit = 0;
	server_do("fault services list huge 1");
	server_do("fault nodes list badjson 1");
	server_do("fault namespaces list nameless 1");
	server_do("fault endpointslices list deep 1");
	start(&conf);
	expect_start();
	assert_int_equal(status(KUBE_RES_SERVICES).rejected_size, 1);
	assert_int_equal(status(KUBE_RES_ENDPOINTSLICES).rejected_size, 1);
	assert_int_equal(status(KUBE_RES_NODES).rejected_json, 1);
	assert_int_equal(status(KUBE_RES_NAMESPACES).rejected_object, 2);
	assert_int_equal(status(KUBE_RES_SERVICES).objects, 5);
}

/* An expired continue token: from the start again, and without pages. */
static void test_continue_expires(void **state)
{
	(void)state;
	need_server();
	server_do("fault services more gone 1");
	start(&quick);
	expect_start();
	server_do("bookmark");
	assert_non_null(strstr(server.log, "services list 410"));
	assert_non_null(strstr(server.log, "services list 200 /api/v1/services?limit=0\n"));
	assert_int_equal(table.ends[KUBE_SERVICE][KUBE_SCOPE_CLUSTER], 1);
}

/* Faults at the watch: what happens meanwhile is not lost. */
static void test_watch_faults(void **state)
{
	static const char *const faults[] = {
		"cut 2",     "gone 2",	"http410", "http500 2", "http401 2", "http403",
		"garbage 2", "stale",	"hang",	   "reset 2",	"badjson",   "huge",
		"nameless",  "http400", "http504", "slow",
	};
	char command[64];

	(void)state;
	need_server();
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct kube_client_conf conf = conf_for(faults[i]);

		server_do("reset");
		snprintf(command, sizeof(command), "fault services watch %s", faults[i]);
		server_do(command);
		start(&conf);
		expect_start();
		server_do("event services ADDED {\"metadata\":{\"namespace\":\"n\",\"name\":"
			  "\"late\",\"uid\":\"u-late\"},\"spec\":{\"clusterIP\":\"10.96.0.99\"}}");
		server_do("event services DELETED {\"metadata\":{\"namespace\":\"shop\",\"name\":"
			  "\"web\",\"uid\":\"329015c0-a681-4b39-8cf6-2b15e6e9eeb8\"}}");
		if (!eventually(known_name("late") && known_count(KUBE_SERVICE, -1) == 5))
			fail_msg("after watch fault %s", faults[i]);
		each_teardown(NULL);
	}
}

/*
 * Silence on an established watch, and a clean end, are both followed by a new watch, not a list.
 */
static void test_watch_renewal(void **state)
{
	struct kube_client_conf conf = conf_for("stale");

	(void)state;
	need_server();
	start(&conf);
	expect_start();
	assert_true(eventually(strstr(status(KUBE_RES_SERVICES).error, "nothing received for 250")));
	assert_true(eventually(status(KUBE_RES_SERVICES).watches >= 3));
	each_teardown(NULL);
	start(&quick);
	expect_start();
	for (unsigned i = 1; i < 4; i++) {
		assert_true(eventually(status(KUBE_RES_SERVICES).watches >= i &&
				       status(KUBE_RES_SERVICES).state == KUBE_STATE_WATCHING));
		server_do("drop");
	}
	assert_int_equal(status(KUBE_RES_SERVICES).failures, 0);
	assert_int_equal(status(KUBE_RES_SERVICES).lists, 1);
}

static void token_write(const char *token)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/token", server.dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "%s\n", token);
	fclose(f);
}

static void test_token_rotates(void **state)
{
	(void)state;
	need_server();
	start(&quick);
	expect_start();
	server_do("token second");
	server_do("drop");
	assert_true(eventually(status(KUBE_RES_SERVICES).http_code == 401));
	assert_true(eventually(notes_with("services waiting 401 HTTP 401: Unauthorized") == 1));
	assert_int_equal(known_count(KUBE_SERVICE, -1), 5);
	token_write("second");
	assert_true(eventually(status(KUBE_RES_SERVICES).http_code == 200));
	assert_true(eventually(notes_with("services watching") == 2));
	token_write("stand-in-token");
}

static void test_one_denied(void **state)
{
	(void)state;
	need_server();
	server_do("fault services any http403 3");
	server_do("fault nodes any http404 2");
	start(&quick);
	assert_true(eventually(status(KUBE_RES_PODS).synced && status(KUBE_RES_NAMESPACES).synced));
	assert_true(eventually(status(KUBE_RES_SERVICES).state == KUBE_STATE_DENIED));
	assert_non_null(strstr(status(KUBE_RES_SERVICES).error, "HTTP 403: pods is forbidden"));
	expect_start();
	assert_int_equal(notes_with("services denied 403"), 1);
	assert_int_equal(notes_with("nodes denied 404"), 1);
	assert_int_equal(notes_with("namespaces"), 1);
}

/* While the watch is refused an object goes; the list that follows tells. */
static void test_vanished(void **state)
{
	(void)state;
	need_server();
	start(&quick);
	expect_start();
	server_do("fault services watch http500 2");
	server_do("fault services watch gone 1");
	server_do("drop");
	server_do("event services DELETED {\"metadata\":{\"namespace\":\"shop\",\"name\":\"web\","
		  "\"uid\":\"other\"}}");
	assert_true(eventually(known_count(KUBE_SERVICE, -1) == 4));
	assert_false(known_name("web"));
	assert_true(status(KUBE_RES_SERVICES).lists >= 2);
}

static void test_client_certificate(void **state)
{
	struct kube_auth auth;

	(void)state;
	need_server();
	auth = auth_file("kubeconfig.cert");
	assert_null(auth.token_file);
	start_with(&auth, &quick);
	kube_auth_free(&auth);
	expect_start();
}

static void test_in_cluster(void **state)
{
	struct kube_auth auth = { 0 };
	struct kube_auth_error e = { "" };

	(void)state;
	need_server();
	setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", server.port, 1);
	assert_int_equal(kube_auth_in_cluster(server.dir, &auth, &e), 0);
	unsetenv("KUBERNETES_SERVICE_HOST");
	start_with(&auth, &quick);
	kube_auth_free(&auth);
	expect_start();
}

/*
 * A server with a certificate we have no reason to trust is told nothing, not even the token. A server
 * of its own, because the log of the common one may still get a late request of the test before.
 */
static void test_wrong_ca(void **state)
{
	struct kube_auth auth;

	need_server();
	assert_int_equal(server_stop(state), 0);
	assert_int_equal(server_start(state), 0);
	server.log[0] = 0;
	auth = auth_file("kubeconfig");
	free(auth.ca_file);
	auth.ca_file = NULL;
	start_with(&auth, &quick);
	kube_auth_free(&auth);
	assert_true(eventually(strstr(status(KUBE_RES_SERVICES).error, "certificate")));
	server_do("bookmark");
	assert_null(strstr(server.log, "REQ"));
	assert_int_equal(notes_with("services"), 1);
}

static void test_stop_is_quick(void **state)
{
	struct kube_auth nowhere = { .server = (char *)"https://192.0.2.1:6443" };
	uint64_t t;

	(void)state;
	need_server();
	server_do("fault * any hang 20");
	start(&quick);
	usleep(50000);
	t = clock_boot().ns;
	each_teardown(NULL);
	assert_true(clock_boot().ns - t < NS_PER_SEC / 2);
	start_with(&nowhere, &quick);
	usleep(20000);
	t = clock_boot().ns;
	each_teardown(NULL);
	assert_true(clock_boot().ns - t < NS_PER_SEC / 2);
}

static void test_bad_conf(void **state)
{
	struct kube_auth auth = { .server = (char *)"https://127.0.0.1:1" };
	struct kube_auth none = { 0 };
	struct kube_client_conf conf = quick;
	struct kube_client *c = NULL;

	(void)state;
	assert_int_equal(kube_client_start(&none, &conf, sink, note, NULL, &c), -EINVAL);
	conf.page_limit = 100001;
	assert_int_equal(kube_client_start(&auth, &conf, sink, note, NULL, &c), -EINVAL);
	conf = quick;
	conf.node_name = "a&b=c";
	assert_int_equal(kube_client_start(&auth, &conf, sink, note, NULL, &c), -EINVAL);
	assert_null(c);
	assert_string_equal(kube_state_name(99), "?");
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, each_setup, each_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_story),	  EACH(test_pod_is_bound),	 EACH(test_list_faults),
		EACH(test_list_counters), EACH(test_continue_expires),	 EACH(test_watch_faults),
		EACH(test_watch_renewal), EACH(test_token_rotates),	 EACH(test_one_denied),
		EACH(test_vanished),	  EACH(test_client_certificate), EACH(test_in_cluster),
		EACH(test_wrong_ca),	  EACH(test_stop_is_quick),	 EACH(test_bad_conf),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, server_start, server_stop);
}
