#pragma once
/*
 * What a receiver of OTLP over HTTP says: whether a request may be sent again, and the messages that its answers carry:
 *
 *	200	Export*ServiceResponse {partial_success = 1 {rejected = 1 (varint), error_message = 2}}
 *	4xx, 5xx	google.rpc.Status {code = 1, message = 2}
 *
 * The bytes are a stranger's: what is not such a message says nothing, of a field that stands twice the last counts, and
 * fields not known are passed over. Pure. https://opentelemetry.io/docs/specs/otlp/ ("OTLP/HTTP Response")
 */
#include "base/str.h"

struct otlp_reply {
	uint64_t rejected;  /* items of a request that was taken otherwise */
	struct str message; /* for people, untrusted, borrowed from the body; absent: none */
};

/* 429, 502, 503 and 504, and 0 (no answer). All else would be refused again. */
bool otlp_again(long code);

/* @code: HTTP's; @body may be anything, also JSON or a proxy's page: false, and *ret says nothing. */
bool otlp_reply_read(long code, struct str body, struct otlp_reply *ret);
