#pragma once
/*
 * The control socket of a running agent (protocol: api/question.h), on the agent's main loop: no
 * thread, nothing blocks. At most CONTROL_CLIENTS at once, each with a view (agent/view.h) and a buffer of CONTROL_BUFFER
 * bytes; lines that do not fit are lost and counted, for that client alone. A report may be REQUEST_TEXT_MAX beyond that.
 * A client that has not sent its request after CONTROL_PATIENCE_NS is closed.
 *
 * The socket is 0600 in a 0700 folder; only root, or who runs the agent, gets in.
 */
#include "agent/view.h"

struct session;
struct control;

#define CONTROL_CLIENTS	     16
#define CONTROL_BUFFER	     (4u << 20) /* and as much as CONTROL_SOCKET_BYTES in the kernel */
#define CONTROL_SOCKET_BYTES (1u << 20)
#define CONTROL_PATIENCE_NS  (5 * NS_PER_SEC)
#define CONTROL_GOODBYE_MS   300

struct control_host {
	void *ctx;
	/*
	 * The clients want something else than before: load and let through what is missing. The
	 * queries live until the next call. 0 or -errno.
	 */
	int (*wanted)(void *ctx, uint64_t kinds, const struct query *const *list, size_t n);
	/* Appends a JSON object without newline. */
	void (*status)(void *ctx, struct buf *b);
};

/* 0 or -errno with the reason appended to @why. A socket left by a dead agent is replaced. */
int control_start(struct session *s, const char *path, const struct control_host *host,
		  struct control **ret, struct buf *why);

/* After each batch of records: sends what waits, ends what is done. */
void control_turn(struct control *c);

uint64_t control_kinds(const struct control *c);

/* How many clients listen, and how many lines clients lost since the start. */
void control_counts(const struct control *c, uint64_t *ret_clients, uint64_t *ret_lost);

/* Sends all what waits for them and a last line, within CONTROL_GOODBYE_MS, closes, removes the socket. */
void control_stop(struct control *c);
