/*
 * Commands whose key is not the first argument or that mean something for the connection, and those whose key is.
 * Names and key positions as redis-server 7.0's COMMAND tells them. Sorted (tested), so that a look-up is a
 * binary search. Unknown commands have no key: who knows what their arguments are.
 */
#include <stdlib.h>

#include "proto/redis/redis.h"

#define KEY(n)	      { #n, 1, 0, 0 }
#define KEY_AT(n, k)  { #n, k, 0, 0 }
#define BARE(n)	      { #n, REDIS_KEY_NONE, 0, 0 }
#define HAS(n, f)     { #n, REDIS_KEY_NONE, f, 0 }
#define DOES(n, f, a) { #n, REDIS_KEY_NONE, f, REDIS_ACT_##a }
#define CHANNEL(n)    { #n, 1, 0, REDIS_ACT_SUBSCRIBE }

/* clang-format off */
static const struct redis_command commands[] = {
	HAS(ACL, REDIS_CONTAINER | REDIS_SECRET), KEY(APPEND), BARE(ASKING), HAS(AUTH, REDIS_SECRET),
	BARE(BGREWRITEAOF), BARE(BGSAVE), KEY(BITCOUNT), KEY(BITFIELD), KEY(BITFIELD_RO), KEY_AT(BITOP, 2),
	KEY(BITPOS), KEY(BLMOVE), KEY_AT(BLMPOP, 3), KEY(BLPOP), KEY(BRPOP), KEY(BRPOPLPUSH),
	KEY_AT(BZMPOP, 3), KEY(BZPOPMAX), KEY(BZPOPMIN),
	DOES(CLIENT, REDIS_CONTAINER, CLIENT), HAS(CLUSTER, REDIS_CONTAINER), HAS(COMMAND, REDIS_CONTAINER),
	HAS(CONFIG, REDIS_CONTAINER | REDIS_SECRET), KEY(COPY),
	BARE(DBSIZE), HAS(DEBUG, REDIS_CONTAINER), KEY(DECR), KEY(DECRBY), KEY(DEL), BARE(DISCARD), KEY(DUMP),
	BARE(ECHO), KEY_AT(EVAL, 3), KEY_AT(EVALSHA, 3), KEY_AT(EVALSHA_RO, 3), KEY_AT(EVAL_RO, 3), BARE(EXEC),
	KEY(EXISTS), KEY(EXPIRE), KEY(EXPIREAT), KEY(EXPIRETIME),
	BARE(FAILOVER), KEY_AT(FCALL, 3), KEY_AT(FCALL_RO, 3), BARE(FLUSHALL), BARE(FLUSHDB),
	HAS(FUNCTION, REDIS_CONTAINER),
	KEY(GEOADD), KEY(GEODIST), KEY(GEOHASH), KEY(GEOPOS), KEY(GEORADIUS), KEY(GEORADIUSBYMEMBER),
	KEY(GEORADIUSBYMEMBER_RO), KEY(GEORADIUS_RO), KEY(GEOSEARCH), KEY(GEOSEARCHSTORE), KEY(GET), KEY(GETBIT),
	KEY(GETDEL), KEY(GETEX), KEY(GETRANGE), KEY(GETSET),
	KEY(HDEL), DOES(HELLO, REDIS_SECRET, HELLO), KEY(HEXISTS), KEY(HGET), KEY(HGETALL), KEY(HINCRBY),
	KEY(HINCRBYFLOAT), KEY(HKEYS), KEY(HLEN), KEY(HMGET), KEY(HMSET), KEY(HRANDFIELD), KEY(HSCAN), KEY(HSET),
	KEY(HSETNX), KEY(HSTRLEN), KEY(HVALS),
	KEY(INCR), KEY(INCRBY), KEY(INCRBYFLOAT), BARE(INFO), BARE(KEYS), BARE(LASTSAVE),
	HAS(LATENCY, REDIS_CONTAINER), KEY(LCS), KEY(LINDEX), KEY(LINSERT), KEY(LLEN), KEY(LMOVE),
	KEY_AT(LMPOP, 2), BARE(LOLWUT), KEY(LPOP), KEY(LPOS), KEY(LPUSH), KEY(LPUSHX), KEY(LRANGE), KEY(LREM),
	KEY(LSET), KEY(LTRIM),
	{ "MEMORY", 2, REDIS_CONTAINER, 0 }, KEY(MGET), { "MIGRATE", 3, REDIS_SECRET, 0 },
	HAS(MODULE, REDIS_CONTAINER), DOES(MONITOR, 0, MONITOR), KEY(MOVE), KEY(MSET), KEY(MSETNX), BARE(MULTI),
	{ "OBJECT", 2, REDIS_CONTAINER, 0 },
	KEY(PERSIST), KEY(PEXPIRE), KEY(PEXPIREAT), KEY(PEXPIRETIME), KEY(PFADD), KEY(PFCOUNT),
	KEY_AT(PFDEBUG, 2), KEY(PFMERGE), BARE(PFSELFTEST), BARE(PING), KEY(PSETEX), CHANNEL(PSUBSCRIBE),
	DOES(PSYNC, 0, REPLICA), KEY(PTTL), KEY(PUBLISH), HAS(PUBSUB, REDIS_CONTAINER), CHANNEL(PUNSUBSCRIBE),
	BARE(QUIT), BARE(RANDOMKEY), BARE(READONLY), BARE(READWRITE), KEY(RENAME), KEY(RENAMENX), BARE(REPLCONF),
	BARE(REPLICAOF), DOES(RESET, 0, RESET), KEY(RESTORE), { "RESTORE-ASKING", 1, 0, 0 }, BARE(ROLE),
	KEY(RPOP), KEY(RPOPLPUSH), KEY(RPUSH), KEY(RPUSHX),
	KEY(SADD), BARE(SAVE), BARE(SCAN), KEY(SCARD), HAS(SCRIPT, REDIS_CONTAINER), KEY(SDIFF), KEY(SDIFFSTORE),
	DOES(SELECT, 0, SELECT), HAS(SENTINEL, REDIS_CONTAINER | REDIS_SECRET), KEY(SET), KEY(SETBIT), KEY(SETEX),
	KEY(SETNX), KEY(SETRANGE), BARE(SHUTDOWN), KEY(SINTER), KEY_AT(SINTERCARD, 2), KEY(SINTERSTORE),
	KEY(SISMEMBER), BARE(SLAVEOF), HAS(SLOWLOG, REDIS_CONTAINER), KEY(SMEMBERS), KEY(SMISMEMBER), KEY(SMOVE),
	KEY(SORT), KEY(SORT_RO), KEY(SPOP), KEY(SPUBLISH), KEY(SRANDMEMBER), KEY(SREM), KEY(SSCAN),
	CHANNEL(SSUBSCRIBE), KEY(STRLEN), CHANNEL(SUBSCRIBE), KEY(SUBSTR), KEY(SUNION), KEY(SUNIONSTORE),
	CHANNEL(SUNSUBSCRIBE), BARE(SWAPDB), DOES(SYNC, 0, REPLICA),
	BARE(TIME), KEY(TOUCH), KEY(TTL), KEY(TYPE), KEY(UNLINK), CHANNEL(UNSUBSCRIBE), BARE(UNWATCH),
	BARE(WAIT), KEY(WATCH),
	KEY(XACK), KEY(XADD), KEY(XAUTOCLAIM), KEY(XCLAIM), KEY(XDEL), { "XGROUP", 2, REDIS_CONTAINER, 0 },
	{ "XINFO", 2, REDIS_CONTAINER, 0 }, KEY(XLEN), KEY(XPENDING), KEY(XRANGE), HAS(XREAD, REDIS_STREAMS),
	HAS(XREADGROUP, REDIS_STREAMS), KEY(XREVRANGE), KEY(XSETID), KEY(XTRIM),
	KEY(ZADD), KEY(ZCARD), KEY(ZCOUNT), KEY_AT(ZDIFF, 2), KEY(ZDIFFSTORE), KEY(ZINCRBY), KEY_AT(ZINTER, 2),
	KEY_AT(ZINTERCARD, 2), KEY(ZINTERSTORE), KEY(ZLEXCOUNT), KEY_AT(ZMPOP, 2), KEY(ZMSCORE), KEY(ZPOPMAX),
	KEY(ZPOPMIN), KEY(ZRANDMEMBER), KEY(ZRANGE), KEY(ZRANGEBYLEX), KEY(ZRANGEBYSCORE), KEY(ZRANGESTORE),
	KEY(ZRANK), KEY(ZREM), KEY(ZREMRANGEBYLEX), KEY(ZREMRANGEBYRANK), KEY(ZREMRANGEBYSCORE), KEY(ZREVRANGE),
	KEY(ZREVRANGEBYLEX), KEY(ZREVRANGEBYSCORE), KEY(ZREVRANK), KEY(ZSCAN), KEY(ZSCORE), KEY_AT(ZUNION, 2),
	KEY(ZUNIONSTORE),
};
/* clang-format on */

static int compare(const void *key, const void *row)
{
	const struct redis_command *c = row;

	return str_cmp(*(const struct str *)key, str_of(c->name));
}

const struct redis_command *redis_command(struct str name)
{
	return bsearch(&name, commands, sizeof(commands) / sizeof(commands[0]), sizeof(commands[0]),
		       compare);
}

static bool alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Words stay, with one digit at the end too (oauth2, v1); numbers, ids, tokens and addresses do not. */
static bool varies(struct str part)
{
	size_t digits = 0, upper = 0;

	if (part.n > 40)
		return true;
	for (size_t i = 0; i < part.n; i++) {
		char ch = part.p[i];

		if (ch >= '0' && ch <= '9')
			digits++;
		else if (!alpha(ch) && ch != '_' && ch != '-' && ch != '*' && ch != '?')
			return true;
		else if (ch >= 'A' && ch <= 'Z')
			upper++;
	}
	if (part.n > 16 && upper > 1 && upper < part.n - upper)
		return true;
	return digits > 1 || (digits == 1 && (part.n == 1 || !alpha(part.p[0])));
}

struct str redis_key_fold(struct str key, char *to)
{
	static const char borders[] = ":/.|{}[],";
	size_t n = 0;

	for (size_t i = 0; i < key.n;) {
		struct str part = { key.p + i, 0 };

		while (i < key.n && !memchr(borders, key.p[i], sizeof(borders) - 1))
			i++;
		part.n = (size_t)(key.p + i - part.p);
		if (varies(part))
			part = STR("{id}");
		if (n + part.n + 4 > REDIS_KEY_FOLDED) {
			memcpy(to + n, "...", 3);
			return (struct str){ to, n + 3 };
		}
		memcpy(to + n, part.p, part.n);
		n += part.n;
		if (i < key.n)
			to[n++] = key.p[i++];
	}
	return (struct str){ to, n };
}
