#pragma once
/*
 * For tests: an event of a request as the pipeline hands it on, of container web in pod shop/cart-0, whose other end is
 * 192.0.2.7, outside of the cluster. The texts are the caller's.
 */
#include <stdio.h>

#include "event/event.h"
#include "event/request.h"

struct made {
	struct event ev;
	struct request r;
	struct proc proc;
	struct cgroup cgroup;
	struct container container;
	struct pod pod;
	char status[8];
};

/* Protocol "http", 20 ms long. @d must stay where it is. */
static inline void made_request(struct made *d, bool server, const char *protocol)
{
	*d = (struct made){
		.pod = { .ns = STR("shop"),
			 .name = STR("cart-0"),
			 .uid = STR("0b1f"),
			 .node = STR("node-1"),
			 .owner_kind = STR("StatefulSet"),
			 .owner_name = STR("cart"),
			 .labels = STR("a=b,app.kubernetes.io/version=3") },
		.container = { .id12 = STR("0123456789ab"), .name = STR("web") },
		.r = { .protocol = str_of(protocol),
		       .code = -1,
		       .id = 7,
		       .start = { NS_PER_SEC },
		       .answered = { NS_PER_SEC + 19 * NS_PER_MS },
		       .end = { NS_PER_SEC + 20 * NS_PER_MS },
		       .ok = REQ_OK_YES },
	};
	d->container.pod = d->cgroup.pod = &d->pod;
	d->cgroup.container = &d->container;
	d->proc.cgroup = &d->cgroup;
	d->proc.pid = 41;
	d->ev = (struct event){
		.kind = &kind_table[KIND_REQUEST], .time = d->r.end, .proc = &d->proc, .body = &d->r
	};
	d->ev.fd.type = FD_IPV4;
	d->ev.fd.conn = (struct conn){ .local = { { 10, 0, 0, 1 }, 4 },
				       .remote = { { 192, 0, 2, 7 }, 4 },
				       .lport = server ? 8080 : 40000,
				       .rport = server ? 40000 : 80,
				       .is_server = server };
}

static inline void made_http(struct made *d, bool server, const char *method, const char *route,
			     int status)
{
	made_request(d, server, "http");
	d->r.method = str_of(method);
	d->r.route = d->r.resource = str_of(route);
	d->r.host = STR("cart.example:8080");
	snprintf(d->status, sizeof(d->status), "%d", status);
	d->r.status = str_of(d->status);
	d->r.code = status;
	d->r.ok = status < 400 ? REQ_OK_YES : REQ_OK_NO;
}
