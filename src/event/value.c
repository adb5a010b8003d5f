/* Values as text and as JSON. */
#include "event/value.h"

#include <arpa/inet.h>

#include "base/buf.h"
#include "base/json.h"

const char *value_type_name(enum value_type t)
{
	static const char *const names[VALUE_TYPES] = {
		[VALUE_STR] = "string", [VALUE_U64] = "uint64",	   [VALUE_I64] = "int64",
		[VALUE_BOOL] = "bool",	[VALUE_TIME] = "time",	   [VALUE_DURATION] = "duration",
		[VALUE_PORT] = "port",	[VALUE_IP] = "ip address", [VALUE_LIST] = "list",
	};

	return t < VALUE_TYPES ? names[t] : "?";
}

void ip_text(struct buf *b, const struct ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; ip->len == 4 && i < 4;
	     i++) { /* most are: inet_ntop would print each by printf */
		if (i)
			buf_char(b, '.');
		buf_u64(b, ip->b[i]);
	}
	if (ip->len == 16 && inet_ntop(AF_INET6, ip->b, text, sizeof(text)))
		buf_str(b, str_of(text));
}

void ip_host_text(struct buf *b, const struct ip *ip)
{
	if (ip->len == 16)
		buf_char(b, '[');
	ip_text(b, ip);
	if (ip->len == 16)
		buf_char(b, ']');
}

static void list_text(struct buf *b, const struct value *v)
{
	buf_char(b, '(');
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_char(b, ',');
		buf_text(b, v->list.p[i]);
	}
	buf_char(b, ')');
}

void value_text(struct buf *b, const struct value *v)
{
	switch (v->type) {
	case VALUE_STR:
		buf_text(b, v->str);
		break;
	case VALUE_I64:
		buf_i64(b, v->i64);
		break;
	case VALUE_BOOL:
		buf_str(b, v->b ? STR("true") : STR("false"));
		break;
	case VALUE_IP:
		ip_text(b, &v->ip);
		break;
	case VALUE_LIST:
		list_text(b, v);
		break;
	default:
		buf_u64(b, v->u64);
	}
}

static void list_json(struct buf *b, const struct value *v)
{
	buf_char(b, '[');
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_char(b, ',');
		json_str(b, v->list.p[i]);
	}
	buf_char(b, ']');
}

void value_json(struct buf *b, const struct value *v)
{
	switch (v->type) {
	case VALUE_STR:
		json_str(b, v->str);
		break;
	case VALUE_IP:
		buf_char(b, '"');
		ip_text(b, &v->ip);
		buf_char(b, '"');
		break;
	case VALUE_LIST:
		list_json(b, v);
		break;
	default:
		value_text(b, v);
	}
}
