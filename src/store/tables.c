/* The tables, and how their columns come out of the catalogue. A new column is a name in a list. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/table.h"

/* clang-format off */
static const char *const who_fields[] = {
	"proc.name", "proc.pid", "proc.ppid", "proc.pname", "proc.exepath", "proc.cmdline",
	"proc.start_time", "user.name",
	"container.id", "container.name", "container.image",
	"k8s.ns.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pod.owner.kind", "k8s.pod.owner.name",
	"k8s.pod.labels", "thread.cgroup",
	NULL,
};

static const char *const request_fields[] = {
	"evt.time",
	"req.id", "req.protocol", "req.side", "req.method", "req.resource", "req.route",
	"req.status", "req.code", "req.ok", "req.error", "req.host",
	"req.latency", "req.latency_ns", "req.ttfb_ns", "req.request_bytes", "req.response_bytes",
	"req.items", "req.lost_bytes", "req.rtt", "req.retransmits",
	"req.tls", "req.unanswered", "req.oneway", "req.trace", "req.agent", "req.explain",
	"fd.lip", "fd.lport", "fd.rip", "fd.rport", "fd.rip.name",
	"fd.peer.kind", "fd.peer.ns", "fd.peer.name",
	NULL,
};

static const char *const connection_fields[] = {
	"evt.time",
	"tcp.role", "fd.lip", "fd.lport", "fd.rip", "fd.rport", "fd.rip.name",
	"fd.peer.kind", "fd.peer.ns", "fd.peer.name",
	"tcp.duration", "tcp.bytes_sent", "tcp.bytes_received", "tcp.segs_out", "tcp.segs_in",
	"tcp.retransmits", "tcp.rtt", "tcp.oldstate",
	NULL,
};

static const char *const process_fields[] = {
	"evt.time",
	"evt.kind", "evt.res", "proc.duration", "proc.cwd",
	"exit.code", "exit.signal", "exit.core", "exit.user_time", "exit.system_time", "exit.max_rss",
	NULL,
};

/* Of its JSON: what the rule does not show is NULL. */
#define SHOWN(field) "json_extract(json, '$.output_fields.\"" field "\"')"

static const struct store_own alert_columns[] = {
	{ "time", VALUE_TIME, "ns", "when it happened", NULL },
	{ "priority", VALUE_STR, "", "Emergency to Debug", NULL },
	{ "rule", VALUE_STR, "", "the rule's name", NULL },
	{ "output", VALUE_STR, "", "the alert's line of text", NULL },
	{ "json", VALUE_STR, "", "the alert as receivers get it: json->>'$.output_fields.\"fd.name\"'", NULL },
	{ "proc_name", VALUE_STR, "", "command name, where the rule shows it", SHOWN("proc.name") },
	{ "proc_pid", VALUE_U64, "", "process id, where the rule shows it", SHOWN("proc.pid") },
	{ "container_id", VALUE_STR, "", "first 12 characters of the container's id", SHOWN("container.id") },
	{ "container_name", VALUE_STR, "", "container's name, where the rule shows it", SHOWN("container.name") },
	{ "k8s_ns_name", VALUE_STR, "", "pod's namespace", SHOWN("k8s.ns.name") },
	{ "k8s_pod_name", VALUE_STR, "", "pod's name", SHOWN("k8s.pod.name") },
	{ NULL },
};

static const struct store_own profile_columns[] = {
	{ "time", VALUE_TIME, "ns", "beginning of the part of time", NULL },
	{ "length", VALUE_DURATION, "ns", "its length", NULL },
	{ "function", VALUE_STR, "", "function, or file and offset where it has no name", NULL },
	{ "module", VALUE_STR, "", "file it is in; [kernel]", NULL },
	{ "self", VALUE_DURATION, "ns", "CPU time in the function itself", NULL },
	{ "total", VALUE_DURATION, "ns", "CPU time in it and in what it called", NULL },
	{ "proc_name", VALUE_STR, "", "command name", NULL },
	{ "proc_pid", VALUE_U64, "", "process id on the node", NULL },
	{ "container_name", VALUE_STR, "", "container's name, or the first 12 characters of its id", NULL },
	{ "k8s_ns_name", VALUE_STR, "", "pod's namespace", NULL },
	{ "k8s_pod_name", VALUE_STR, "", "pod's name", NULL },
	{ NULL },
};

static const struct store_def defs[STORE_TABLES] = {
	[STORE_REQUESTS] = { "requests", "a request between two programs and its answer",
		KIND_BIT(KIND_REQUEST), NULL, request_fields },
	[STORE_CONNECTIONS] = { "connections", "a TCP connection, when it ended",
		KIND_BIT(KIND_TCP), "evt.type=tcp_close and fd.rport exists", connection_fields },
	[STORE_PROCESSES] = { "processes", "a program that was started (evt_kind exec) or ended (exit)",
		KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_EXIT), NULL, process_fields },
	[STORE_ALERTS] = { "alerts", "an alert of a detection rule", .own = alert_columns },
	[STORE_PROFILES] = { "profiles", "CPU time by function, process and minute, from the kept profiles",
		.own = profile_columns, .elsewhere = true },
};

static const struct store_def who_def = { "subjects", "who did it", .fields = who_fields };
/* clang-format on */

static void column_name(const char *field, char ret[STORE_NAME_BYTES])
{
	if (strcmp(field, "evt.time") == 0)
		field = "time";
	snprintf(ret, STORE_NAME_BYTES, "%s", field);
	for (char *c = ret; *c; c++)
		if (*c == '.')
			*c = '_';
}

static void fields_add(struct store_table *t, const char *const *fields, const struct catalogue *c)
{
	for (; fields && *fields; fields++) {
		const struct field *f = field_find(c, str_of(*fields));
		struct store_column *to = &t->columns[t->n];

		if (!f || t->n == STORE_COLUMNS_MAX)
			continue;
		*to = (struct store_column){
			.type = f->type, .unit = f->unit, .help = f->help, .field = f
		};
		column_name(f->name, to->name);
		t->n++;
	}
}

static void own_add(struct store_table *t, const struct store_own *own)
{
	for (; own && own->name && t->n < STORE_COLUMNS_MAX; own++) {
		struct store_column *to = &t->columns[t->n++];

		*to = (struct store_column){
			.type = own->type, .unit = own->unit, .help = own->help, .expr = own->expr
		};
		snprintf(to->name, sizeof(to->name), "%s", own->name);
	}
}

int store_schema_new(const struct catalogue *c, struct store_schema **ret)
{
	struct store_schema *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->who.def = &who_def;
	fields_add(&s->who, who_fields, c);
	s->who.nown = s->who.n;
	for (size_t i = 0; i < STORE_TABLES; i++) {
		struct store_table *t = &s->tables[i];

		t->def = &defs[i];
		fields_add(t, defs[i].fields, c);
		own_add(t, defs[i].own);
		t->nown = t->n;
		if (defs[i].kinds)
			fields_add(t, who_fields, c);
	}
	*ret = s;
	return 0;
}

const struct store_table *store_table_find(const struct store_schema *s, struct str name)
{
	for (size_t i = 0; i < STORE_TABLES; i++)
		if (str_eq(name, str_of(s->tables[i].def->name)))
			return &s->tables[i];
	return NULL;
}

const char *store_type_name(enum value_type t)
{
	static const char *const names[VALUE_TYPES] = {
		[VALUE_STR] = "TEXT",	  [VALUE_U64] = "INTEGER", [VALUE_I64] = "INTEGER",
		[VALUE_BOOL] = "BOOLEAN", [VALUE_TIME] = "TIME",   [VALUE_DURATION] = "DURATION",
		[VALUE_PORT] = "INTEGER", [VALUE_IP] = "TEXT",	   [VALUE_LIST] = "TEXT",
	};

	return names[t];
}
