#pragma once
/*
 * WebSocket (RFC 6455) after its upgrade: each message is a one-way request whose method is TEXT, BINARY, PING, PONG or
 * CLOSE; items are its frames, and its bytes (with frames' heads) count for the direction in which it went: request_bytes to the
 * server, response_bytes to the client. Resource, route, host and agent are those of the upgrade, when that was
 * seen (proto/upgrade.h). A CLOSE has its code as status. Payloads are skipped.
 *
 * Frames of a message may have others between them only if those are PING, PONG or CLOSE. Refused by name: frames that
 * cannot be. Met midway it is recognised by whole text frames alone.
 */
#include "proto/exchange.h"

extern const struct proto proto_websocket;
