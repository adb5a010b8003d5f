#pragma once
/*
 * HTTP/2 (RFC 9113) and gRPC in it, in plain text: from the preface on, after an upgrade (h2c), or joined midway.
 * Heads are decoded (hpack.h), DATA is skipped and counted; exchanges are found by stream id, so frames of many streams
 * may come in any order. Trailers, padding, CONTINUATION, RST_STREAM are followed; pushed streams are decoded (the
 * table must be) and ignored.
 *
 * An answer is whole when its stream ends on the server's side. Reset streams are failures, `error` names the code.
 * gRPC (content-type application/grpc*): method and resource are "package.Service/Method", status is the name of
 * grpc-status, items are the answer's messages as far as their prefixes were in one piece; more than one message in
 * a direction makes it REQ_STREAM.
 *
 * Midway and after gaps, fields that refer to what was not seen are absent; those who wait are REQ_LOST, and stay. The
 * next frame is found by its form. A gap inside of DATA is no gap. A head of more than HTTP2_HEAD_MAX bytes is
 * skipped, REQ_CUT, and the table is unknown from there on.
 */
#include "proto/exchange.h"

#define HTTP2_HEAD_MAX (15u << 10) /* HEADERS and its CONTINUATIONs, with their frames' heads */

extern const struct proto proto_http2;
