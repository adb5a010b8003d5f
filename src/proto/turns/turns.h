#pragma once
/*
 * Any conversation of questions and answers, without knowing the language: the client's bytes begin an exchange, the
 * server's first byte ends it. Nobody can be told by it, so it is in no list: decode/streams.h falls back on it when
 * asked to (streams_opts.turns). Requests have protocol "tcp", sizes, and the time to the answer's first byte.
 * Several questions before the answer are one.
 */
#include "proto/proto.h"

extern const struct proto proto_turns;
