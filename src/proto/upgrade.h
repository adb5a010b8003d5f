#pragma once
/*
 * What a connection that changes its protocol leaves in the window for the next one: an exchange that
 * says where it was made (resource, route, host, agent). HTTP -> websocket.
 */
#define UPGRADE_KEY UINT64_MAX /* the exchange's key */
/* HTTP/1's requests have this key, so that HTTP/2 finds the one it answers on stream 1 (RFC 7540, 3.2). */
#define UPGRADE_STREAM 1
