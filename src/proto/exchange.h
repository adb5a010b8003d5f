#pragma once
/*
 * Requests of one connection that wait for their answers: the window. By number where the protocol has one,
 * otherwise in order. Parsers fill the exchange's `req` and say when it is done; then it is handed on,
 * in the order of being done, and freed.
 *
 * Bounded: WINDOW_MAX exchanges a connection, and a pool for all connections (exchange_pool). A new one that
 * does not fit pushes out the connection's oldest, which is handed on as unanswered and counted; if there is none to
 * push out it is refused: exchange_begin returns NULL, and each function here takes NULL for that. One thread.
 */
#include "proto/proto.h"

#define WINDOW_MAX    1024  /* exchanges that wait in one connection */
#define EXCHANGE_TEXT 1024  /* bytes of all texts of one exchange together */
#define EXCHANGE_POOL 16384 /* exchanges in all connections */

struct exchange {
	struct request req;
	uint64_t key;  /* the protocol's number for it, or the parser's own */
	uint64_t mark; /* for the parser: what it still has to know of this exchange */
	struct exchange *next, *prev; /* newer, older */
	struct exchange *same;	      /* next of the same hash */
	uint16_t used;		      /* of text */
	/* For the connection's owner: times of the thread that began it, and what it had begun till then. */
	struct request_times begun;
	uint64_t turn;
	char text[EXCHANGE_TEXT];
};

struct exchange_pool {
	struct exchange *free, *blocks;
	uint32_t n, max; /* in use; 0 means EXCHANGE_POOL */
	uint64_t pushed_out, refused;
	/* Each exchange that is done, before it is freed. */
	void (*done)(void *ctx, struct window *w, struct exchange *x);
	/* Each that begins; each that was none after all. May be NULL. */
	void (*begun)(void *ctx, struct window *w, struct exchange *x);
	void (*dropped)(void *ctx, struct window *w, struct exchange *x);
	void *ctx;
};

struct window_slot {
	struct exchange *oldest, *newest;
};

struct window {
	struct exchange_pool *pool;
	struct exchange *oldest, *newest;
	struct window_slot *slot; /* by key; made with the first look-up by key that is worth it */
	uint32_t n;
	uint32_t retransmits; /* of the connection so far: req.retransmits begins as this */
	struct str protocol;  /* what req.protocol begins as; static */
	void *owner;	      /* the connection */
};

void exchange_pool_free(struct exchange_pool *p);
void window_init(struct window *w, struct exchange_pool *p, struct str protocol, void *owner);
/* Hands on what is open as unanswered, given up (`end`) at @now, and forgets it. */
void window_close(struct window *w, struct boot_ns now);

/* A request begins: io->begun is its start. NULL: refused. */
struct exchange *exchange_begin(struct proto_io *io, uint64_t key);

/* Those that wait: the oldest, the newest, the oldest with that key; NULL: none. */
struct exchange *exchange_oldest(const struct proto_io *io);
struct exchange *exchange_newest(const struct proto_io *io);
struct exchange *exchange_find(const struct proto_io *io, uint64_t key);

/*
 * *text (a member of x->req) = a copy of @s; cut when the exchange's texts are full (marked REQ_CUT). A second
 * call for the same member replaces its text.
 */
void exchange_set(struct exchange *x, struct str *text, struct str s);
/* The same of something static, which is not copied. */
void exchange_static(struct exchange *x, struct str *text, const char *s);
/* status as a number and as text. */
void exchange_code(struct exchange *x, int64_t code);

/* The first byte of the answer is there (io->begun); later calls change nothing. */
void exchange_answered(struct proto_io *io, struct exchange *x);
/* The answer is whole: its last byte came at io->time. Hands it on and frees it. */
void exchange_done(struct proto_io *io, struct exchange *x);
/* One that gets no answer (REQ_ONEWAY): whole at io->time. Hands it on and frees it. */
void exchange_oneway(struct proto_io *io, struct exchange *x);
/* It was none after all: freed, not handed on. */
void exchange_drop(struct proto_io *io, struct exchange *x);
/* After a gap: all that wait are handed on as they are, with REQ_LOST; the oldest gets io->lost. */
void exchange_abandon(struct proto_io *io);
