#pragma once
/*
 * A client of a running agent: connects to its control socket, asks (api/question.h), reads lines.
 * One owner, one thread. Lines are borrowed until the next read; the longest is CLIENT_LINE_MAX.
 */
#include "api/question.h"

#define CLIENT_LINE_MAX (1u << 20)

struct client;

/* 0 or -errno; -ENOENT and -ECONNREFUSED mean that no agent runs there. */
int client_connect(const char *path, struct client **ret);
void client_free(struct client *c);

/* Sends the request. 0 or -errno. */
int client_send(struct client *c, const struct question *r);

/* To poll for reading; only when client_line last returned 0. */
int client_fd(const struct client *c);

/*
 * 1 and a line without its newline; 0 when @wait_ms passed (-1: no limit) without one; -EPIPE when
 * the agent closed; -EMSGSIZE for a line too long; another -errno.
 */
int client_line(struct client *c, int wait_ms, struct str *ret);

/*
 * The bytes after a line that announced some: 1 and up to @max of them, borrowed likewise; 0 and errors as client_line.
 */
int client_bytes(struct client *c, int wait_ms, size_t max, struct str *ret);

/* No more is wanted: the agent sends the last line and closes. */
void client_stop(struct client *c);

/*
 * Asks and takes the one-line answer, within @wait_ms. 0 and the line in *ret (appended), or
 * -errno: -EPROTO with the agent's reason appended to @why.
 */
int client_ask(const char *path, const struct question *r, int wait_ms, struct buf *ret,
	       struct buf *why);
