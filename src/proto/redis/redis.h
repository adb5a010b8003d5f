#pragma once
/*
 * The Redis protocol, RESP2 and RESP3 (redis.io, "Redis serialization protocol specification"; the same for
 * Valkey, KeyDB, Sentinel): shared by the files of this folder.
 *
 *   redis.c          which connections speak it, and where to go on after a gap
 *   redis_ask.c      towards the server: commands, as arrays of bulk strings or inline
 *   redis_answer.c   towards the client: values of any depth, walked with a stack of counters
 *   redis_command.c  what is known of each command: where its key is, what it does to the pairing
 *
 * Answers come in the order of the commands, so both are numbered; what the window (proto/exchange.h) had to push
 * out is then missed and does not shift the rest. What has no command (messages, invalidations) is one-way.
 * Keys are data: resource is the key with its variable parts folded, route is the command with the key's first
 * part; values are never kept, and arguments that can be passwords not even as raw text.
 *
 * Not read: the stream of a replica (PSYNC), which is said with io->ignore.
 */
#include "proto/exchange.h"
#include "proto/fold.h"

#define REDIS_DEPTH 16 /* aggregates in aggregates; the servers' own replies have 8 at most */
#define REDIS_ELEMENTS \
	(1u << 31) /* of one aggregate; the servers' own limit for commands is 1 Mi */
#define REDIS_BULK     ((int64_t)1 << 32) /* bytes of one string; the servers' default is 512 MiB */
#define REDIS_LINE     8192 /* bytes of a line: simple strings, errors, inline commands */
#define REDIS_WORD     32   /* bytes of a command's name and of its subcommand's */
#define REDIS_ARG      256  /* bytes looked at of a key or a channel */
#define REDIS_TEXT     512  /* bytes of raw text */
#define REDIS_NAME     32   /* bytes of a client's name */
#define REDIS_KEY_NONE 0xff

enum redis_flag {
	REDIS_CONTAINER = 1, /* the second word says what it does: CONFIG GET */
	REDIS_SECRET = 2,    /* arguments can be passwords */
	REDIS_STREAMS = 4,   /* keys stand behind the word STREAMS */
};

/* Commands that change how the connection goes on. */
enum redis_act {
	REDIS_ACT_NONE,
	REDIS_ACT_CLIENT, /* its second word says */
	REDIS_ACT_CLIENT_NAME,
	REDIS_ACT_CLIENT_REPLY,
	REDIS_ACT_HELLO,
	REDIS_ACT_MONITOR,
	REDIS_ACT_REPLICA,
	REDIS_ACT_RESET,
	REDIS_ACT_SELECT,
	REDIS_ACT_SUBSCRIBE,
};

struct redis_command {
	char name[24];
	uint8_t key; /* which argument, the name being 0; REDIS_KEY_NONE: none */
	uint8_t flags, act;
};

/* By its name in capitals; NULL: not known. */
const struct redis_command *redis_command(struct str name);

enum redis_replies {
	REDIS_REPLIES_ON,
	REDIS_REPLIES_OFF,
	REDIS_REPLIES_SKIP, /* the next command's is skipped */
};

/* Where the bytes towards the server are. */
struct redis_ask {
	const struct redis_command *command; /* NULL: not known */
	uint64_t number;		     /* exchange.key of the command being read */
	uint32_t left;			     /* arguments to come; 0: between commands */
	uint32_t arg;			     /* which is next */
	uint8_t key_at;			     /* which is the key */
	uint8_t replies;		     /* enum redis_replies */
	uint8_t act;   /* enum redis_act: the command's, or what its arguments make of it */
	bool at_end;   /* the line end of a string that was skipped comes next */
	bool skipping; /* io->skipped counts */
	bool quiet;    /* no answer to this one */
};

enum redis_frame_kind {
	REDIS_FRAME_COUNTED,
	REDIS_FRAME_ATTRIBUTE, /* belongs to the value that follows it */
	REDIS_FRAME_OPEN,      /* until "." */
	REDIS_FRAME_CHUNKS,    /* a string in pieces, until one of length 0 */
};

struct redis_frame {
	uint32_t left; /* values */
	uint8_t kind;  /* enum redis_frame_kind */
};

enum redis_reply {
	REDIS_REPLY_NONE, /* between replies */
	REDIS_REPLY_PLAIN,
	REDIS_REPLY_CONFIRM, /* of a subscription */
	REDIS_REPLY_PUSH,    /* no command's answer */
};

/* Where the bytes towards the client are. */
struct redis_answer {
	struct redis_frame stack[REDIS_DEPTH];
	uint64_t items;
	uint64_t bytes; /* of this reply, before this call */
	int64_t number; /* the last integer: subscriptions after a confirmation */
	uint8_t depth;
	uint8_t reply; /* enum redis_reply */
	uint8_t push;  /* which one, as redis_answer.c numbers them */
	bool at_end, skipping;
	bool error; /* the string is one */
	bool lost;  /* no beginning was found since the last gap */
};

struct redis {
	struct redis_ask ask;
	struct redis_answer answer;
	uint64_t asked, answered; /* commands that have an answer, and those whose answer came */
	uint32_t subscribed;	  /* channels and patterns */
	int32_t database;	  /* 0 as it begins */
	uint8_t unsure; /* since a gap answers may belong to other commands; how many proofs are wanted */
	bool resp3;
	bool monitor;
	uint8_t name_n;
	char name[REDIS_NAME];
};

/* exchange.mark: what the answer of a command does, and with which number (subscriptions: confirmations to come). */
#define REDIS_MARK(act, n) ((uint64_t)(act) << 32 | (uint32_t)(n))
#define REDIS_MARK_ACT(m)  ((m) >> 32)
#define REDIS_MARK_N(m)	   ((uint32_t)(m))

enum proto_result redis_ask_parse(struct redis *r, struct proto_io *io, struct cur *c);
enum proto_result redis_answer_parse(struct redis *r, struct proto_io *io, struct cur *c);

/* "123\r\n", "-1\r\n"; "?\r\n" is -2. Nothing is consumed but with PROTO_OK. */
enum proto_result redis_number(struct cur *c, int64_t *ret);
/* Up to the line end, which is consumed too. BAD: longer than REDIS_LINE, or with a lone CR or LF. */
enum proto_result redis_line(struct cur *c, struct str *ret);
/* The line end behind a string. */
enum proto_result redis_crlf(struct cur *c);
