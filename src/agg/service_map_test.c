/* Both ends of a request, services and their ports, names, folded addresses, connections, bounds. */
#include "agg/service_map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000000ull

static struct service_map *make(void)
{
	struct service_map *m;

	assert_int_equal(service_map_new(&m), 0);
	return m;
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { .len = strchr(text, ':') ? 16 : 4 };

	assert_int_equal(inet_pton(ip.len == 4 ? AF_INET : AF_INET6, text, ip.b), 1);
	return ip;
}

static struct conn conn_of(const char *local, uint16_t lport, const char *remote, uint16_t rport,
			   int8_t is_server)
{
	return (struct conn){ .local = ip_of(local),
			      .remote = ip_of(remote),
			      .lport = lport,
			      .rport = rport,
			      .l4 = IPPROTO_TCP,
			      .is_server = is_server };
}

static struct map_who who(enum map_kind kind, const char *ns, const char *name)
{
	return (struct map_who){ kind, str_of(ns), str_of(name) };
}

static void request(struct service_map *m, struct map_who self, struct map_who peer, struct conn c,
		    uint64_t ns)
{
	struct map_seen s = { .what = MAP_REQUEST,
			      .self = self,
			      .peer = peer,
			      .conn = &c,
			      .protocol = STR("http"),
			      .timed = true,
			      .latency_ns = ns,
			      .out_bytes = 10,
			      .in_bytes = 100 };

	service_map_add(m, &s);
}

static void connection(struct service_map *m, enum map_what what, struct map_who self, struct conn c)
{
	struct map_seen s = { .what = what, .self = self, .conn = &c, .out_bytes = 7, .in_bytes = 9 };

	s.retransmits = 2;
	service_map_add(m, &s);
}

static const struct map_who nobody = { .kind = MAP_NONE };

static const struct map_edge *edge(const struct map_report *r, const char *client, const char *server)
{
	for (size_t i = 0; i < r->edges_n; i++)
		if (str_eq(r->nodes[r->edges[i].client].name, str_of(client)) &&
		    str_eq(r->nodes[r->edges[i].server].name, str_of(server)))
			return &r->edges[i];
	fail_msg("no edge %s to %s of %zu", client, server, r->edges_n);
	return NULL;
}

/* curl and nginx on one node; nginx is also asked from elsewhere. The server's view comes first. */
static void test_both_ends(void **state)
{
	struct map_who curl = who(MAP_PROCESS, NULL, "curl"), nginx = who(MAP_PROCESS, NULL, "nginx");
	struct service_map *m = make();
	struct map_report r;
	const struct map_edge *e;

	(void)state;
	for (uint16_t port = 4000; port < 4010; port++) {
		request(m, nginx, nobody, conn_of("127.0.0.1", 80, "127.0.0.1", port, 1), 2 * MS);
		request(m, curl, nobody, conn_of("127.0.0.1", port, "127.0.0.1", 80, 0), 4 * MS);
	}
	request(m, nginx, nobody, conn_of("10.0.0.1", 80, "10.0.0.9", 999, 1), MS);
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(r.nodes_n, 3);
	assert_int_equal(r.edges_n, 2);
	e = edge(&r, "curl", "nginx");
	assert_int_equal(e->requests, 10);
	assert_int_equal(e->both, 10);
	assert_int_equal(e->request_bytes, 100);
	assert_int_equal(e->response_bytes, 1000);
	assert_int_equal(e->client_ns.n, 10);
	assert_int_equal(e->client_ns.max_ns, 4 * MS);
	assert_int_equal(e->server_ns.max_ns, 2 * MS);
	assert_ptr_equal(map_edge_latency(e), &e->client_ns);
	e = edge(&r, "10.0.0.9", "nginx");
	assert_int_equal(e->requests, 1);
	assert_int_equal(e->both, 0);
	assert_ptr_equal(map_edge_latency(e), &e->server_ns);
	map_report_free(&r);
	service_map_free(m);
}

/* The client asks a service's address and port; its pod, behind another port, is on this node too. */
static void test_service(void **state)
{
	struct map_who web = who(MAP_WORKLOAD, "shop", "web"), db = who(MAP_SERVICE, "shop", "db"),
		       other = who(MAP_SERVICE, "shop", "db-headless");
	struct service_map *m = make();
	struct map_report r;
	const struct map_edge *e;

	(void)state;
	request(m, other, who(MAP_WORKLOAD, "shop", "web"),
		conn_of("10.1.0.2", 5432, "10.1.0.1", 4000, 1), MS);
	request(m, web, db, conn_of("10.1.0.1", 4000, "10.96.0.7", 80, 0), 2 * MS);
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(r.edges_n, 1);
	e = edge(&r, "web", "db");
	assert_int_equal(e->requests, 1);
	assert_int_equal(e->both, 1);
	assert_int_equal(e->port, 80);
	assert_int_equal(e->server_ns.max_ns, MS);
	map_report_free(&r);
	service_map_free(m);
}

static void test_names(void **state)
{
	struct map_who curl = who(MAP_PROCESS, NULL, "curl"), nginx = who(MAP_PROCESS, NULL, "nginx");
	struct service_map *m = make();
	struct map_report r;

	(void)state;
	service_map_name(m, STR("example.com"), STR("1.2.3.4,2001:db8::1,nonsense,,9.9.9"));
	request(m, curl, nobody, conn_of("10.0.0.1", 4000, "1.2.3.4", 443, 0), MS);
	request(m, curl, nobody, conn_of("fd00::1", 4001, "2001:db8::1", 443, 0), MS);
	request(m, curl, nobody, conn_of("10.0.0.1", 4002, "1.2.3.5", 443, 0), MS);
	request(m, nginx, nobody, conn_of("10.0.0.1", 80, "5.6.7.8", 4002, 1), MS);
	request(m, nginx, nobody, conn_of("10.0.0.1", 80, "5.6.7.9", 4002, 1), MS);
	request(m, nginx, nobody, conn_of("fd00::1", 80, "2001:db8:1:2::3", 4002, 1), MS);
	request(m, nobody, nobody, conn_of("10.0.0.5", 4002, "1.2.3.4", 443, 0), MS);
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(edge(&r, "curl", "example.com")->requests, 2);
	assert_int_equal(edge(&r, "curl", "1.2.3.5")->requests, 1);
	assert_int_equal(edge(&r, "5.6.7.0/24", "nginx")->requests, 2);
	assert_int_equal(edge(&r, "2001:db8:1::/48", "nginx")->requests, 1);
	assert_int_equal(edge(&r, "10.0.0.5", "example.com")->requests, 1);
	map_report_free(&r);
	service_map_free(m);
}

/* Where requests are read the connections are theirs; elsewhere they are an edge of their own. */
static void test_connections(void **state)
{
	struct map_who curl = who(MAP_PROCESS, NULL, "curl"), sshd = who(MAP_PROCESS, NULL, "sshd");
	struct conn c = conn_of("10.0.0.1", 4000, "10.0.0.2", 80, 0);
	struct conn in = conn_of("10.0.0.1", 22, "10.0.0.3", 5000, -1);
	struct service_map *m = make();
	struct map_report r;
	const struct map_edge *e;

	(void)state;
	connection(m, MAP_OPENED, curl, c);
	request(m, curl, nobody, c, MS);
	connection(m, MAP_CLOSED, curl, c);
	connection(m, MAP_CLOSED, sshd, in);
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(r.edges_n, 2);
	e = edge(&r, "curl", "10.0.0.2");
	assert_true(str_eq(e->protocol, STR("http")));
	assert_int_equal(e->opened, 1);
	assert_int_equal(e->closed, 1);
	assert_int_equal(e->sent, 14);
	assert_int_equal(e->received, 18);
	assert_int_equal(e->retransmits, 4);
	e = edge(&r, "10.0.0.3", "sshd");
	assert_true(str_eq(e->protocol, STR("tcp")));
	assert_int_equal(e->sent, 9);
	assert_int_equal(e->received, 7);
	map_report_free(&r);
	service_map_free(m);
}

/* More clients than there is room for: all are counted, the rest as one. */
static void test_bounds(void **state)
{
	struct map_who nginx = who(MAP_PROCESS, NULL, "nginx");
	struct service_map *m = make();
	struct map_report r;
	uint64_t n = 0;

	(void)state;
	for (unsigned i = 0; i < SERVICE_MAP_EDGES + 1000; i++) {
		struct conn c = conn_of("10.0.0.1", 80, "10.0.0.2", 999, 1);

		c.remote.b[1] = (uint8_t)(i >> 16);
		c.remote.b[2] = (uint8_t)(i >> 8);
		c.remote.b[3] = (uint8_t)i;
		c.lport = (uint16_t)(80 + i % 4);
		request(m, nginx, nobody, c, MS);
	}
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(r.nodes_n, SERVICE_MAP_NODES + 1);
	assert_true(r.edges_n <= SERVICE_MAP_EDGES + 1);
	assert_true(r.stats.nodes_folded > 10000);
	for (size_t i = 0; i < r.edges_n; i++)
		n += r.edges[i].requests;
	assert_int_equal(n, SERVICE_MAP_EDGES + 1000);
	assert_true(edge(&r, "other", "nginx")->requests > 3000);
	map_report_free(&r);
	service_map_free(m);
}

static void test_edges_full(void **state)
{
	struct map_who nginx = who(MAP_PROCESS, NULL, "nginx");
	struct service_map *m = make();
	struct map_report r;

	(void)state;
	for (unsigned i = 0; i < SERVICE_MAP_EDGES + 50; i++)
		request(m, nginx, nobody,
			conn_of("10.0.0.1", (uint16_t)(i + 1), "10.0.0.2", 999, 1), MS);
	assert_int_equal(service_map_report(m, &r), 0);
	assert_int_equal(r.edges_n, SERVICE_MAP_EDGES + 1);
	assert_int_equal(r.stats.edges_folded, 50);
	assert_int_equal(edge(&r, "other", "other")->requests, 50);
	map_report_free(&r);
	service_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends), cmocka_unit_test(test_service),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_connections),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_edges_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
