#pragma once
/*
 * Packets of MySQL's and MariaDB's client protocol, and what a client can ask. Sources: MySQL 8.0's internals manual
 * ("Client/Server Protocol"), MariaDB's knowledge base ("Clients & Utilities: protocol").
 *
 *     length 3 | number 1 | payload        little end first; 0xffffff: the next packet goes on with it
 *
 * Numbers begin at 0 with each command; the answer goes on counting.
 */
#include "proto/proto.h"

#define MY_HEAD	   4
#define MY_LONGEST 0xffffffu

enum my_capability {
	MY_CONNECT_WITH_DB = 1 << 3,
	MY_COMPRESS = 1 << 5,
	MY_PROTOCOL_41 = 1 << 9,
	MY_SSL = 1 << 11,
	MY_SECURE = 1 << 15,
	MY_AUTH_LENENC = 1 << 21,
	MY_ZSTD = 1 << 26,
};

enum my_status {
	MY_MORE_RESULTS = 8,
	MY_CURSOR = 64,
};

/* How a command is answered. */
enum my_answer {
	MY_NONE,
	MY_PLAIN,  /* OK, error or EOF */
	MY_RESULT, /* that, or columns and rows */
	MY_PREPARED,
	MY_ROWS, /* rows at once */
	MY_TEXT,
	MY_STREAM,
	MY_AUTH, /* the server may ask back */
};

enum my_command_id {
	MY_QUIT = 0x01,
	MY_INIT_DB = 0x02,
	MY_QUERY = 0x03,
	MY_PREPARE = 0x16,
	MY_EXECUTE = 0x17,
	MY_CLOSE = 0x19,
	MY_FETCH = 0x1c,
	MY_BULK = 0xfa,
};

struct my_command {
	const char *name;  /* NULL: no such command */
	uint8_t answer;	   /* enum my_answer */
	uint32_t min, max; /* bytes of payload; max 0: any */
};

const struct my_command *my_command(uint8_t id);

struct my_packet {
	uint32_t n; /* bytes of payload */
	uint8_t number;
	struct cur some; /* of the payload, as far as it is there */
};

/* The head at the cursor, and what there is behind it; false: too few bytes. */
bool my_head(struct cur bytes, struct my_packet *ret);

/* A number of variable length. False: cut, or none. */
bool my_lenenc(struct cur *c, uint64_t *ret);

bool my_le16(struct cur *c, uint16_t *ret);
bool my_le32(struct cur *c, uint32_t *ret);

/* A text up to its NUL. */
bool my_text(struct cur *c, struct str *ret);

/* A server's greeting: its capabilities. */
bool my_greeting(const struct my_packet *p, uint32_t *ret_capabilities);

/* What a query or prepare says: MySQL 8 may put attributes before it. Absent: cannot be told. */
struct str my_statement(struct cur payload);

/* Advances to a command that ends with the bytes; to packets that count on. False: nowhere. */
bool my_find_command(struct cur *bytes);
bool my_find_answer(struct cur *bytes);

/* Packets that count on from here, or one that ends with the bytes. */
bool my_follows(struct cur bytes);

enum proto_guess my_guess(struct str head, bool usual);
