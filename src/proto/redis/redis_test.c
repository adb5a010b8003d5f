/*
 * Redis: conversations and their requests, by hand from the protocol's specification and from redis-server 7.0; what
 * is no Redis; whole connections of Debian's redis-server are in test/e2e.
 */
#include "proto/redis/redis.h"

#include "proto/feed_test.h"

#define CHECK(items, ...) FEED_CHECK(&proto_redis, items, __VA_ARGS__)

static void test_commands(void **state)
{
	static const struct feed set[] = {
		CLIENT("*3\r\n$3\r\nset\r\n$8\r\nuser:123\r\n$5\r\nsecret"
		       "\r\n" /* one too many: */),
	};
	static const struct feed get[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$8\r\nuser:123\r\n$6\r\nsecret\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nget\r\n$8\r\nuser:123\r\n"),
		SERVER("$6\r\nsecret\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$12\r\nuser:alice:7\r\n"),
		SERVER("$-1\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"),
		SERVER("+PONG\r\n"),
		CLIENT("*2\r\n$6\r\nCONFIG\r\n$3\r\nget\r\n"),
		SERVER("*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
		CLIENT("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"),
		SERVER(":-12\r\n"),
		CLIENT("*5\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$1\r\n2\r\n$7\r\nstreams\r\n$6\r\nlog:12\r\n"),
		SERVER("*-1\r\n"),
		CLIENT("*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n$5\r\nvalue\r\n"),
		SERVER("*0\r\n"),
		CLIENT("*2\r\n$8\r\nJSON.GET\r\n$5\r\ndoc:1\r\n"),
		SERVER("$2\r\n{}\r\n"),
	};

	(void)state;
	CHECK(get, "redis SET user:{id} OK ok req=39 resp=5 items=1 route=\"SET user:*\"\n"
		   "redis GET user:{id} OK ok req=27 resp=12 items=1 route=\"GET user:*\"\n"
		   "redis GET user:alice:{id} NIL ok req=32 resp=5 route=\"GET user:*\"\n"
		   "redis PING - OK ok req=14 resp=7 items=1 route=PING\n"
		   "redis \"CONFIG GET\" - OK ok req=25 resp=18 items=2 route=\"CONFIG GET\"\n"
		   "redis INCR n OK ok req=21 resp=6 items=1 route=INCR\n"
		   "redis XREAD log:{id} NIL ok req=58 resp=5 route=\"XREAD log:*\"\n"
		   "redis EVAL - OK ok req=46 resp=4 route=EVAL\n"
		   "redis JSON.GET doc:{id} OK ok req=29 resp=8 items=1 route=\"JSON.GET doc:*\"\n");
	FEED_CHECK(&proto_redis, set,
		   "! bulk-end\nredis SET user:{id} - unknown req=36 resp=0 "
		   "route=\"SET user:*\" flags=lost,unanswered\n",
		   .once = true);
}

static void test_pipeline(void **state)
{
	static const struct feed f[] = {
		CLIENT("*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
		       "*3\r\n$5\r\nLPUSH\r\n$1\r\na\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n"),
		SERVER("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n"
		       "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
	};

	(void)state;
	CHECK(f, "redis MULTI - OK ok req=15 resp=5 items=1 route=MULTI\n"
		 "redis INCR a QUEUED ok req=21 resp=9 items=1 route=INCR\n"
		 "redis LPUSH a QUEUED ok req=29 resp=9 items=1 route=LPUSH\n"
		 "redis EXEC - WRONGTYPE error req=14 resp=76 items=2 route=EXEC "
		 "error=\"WRONGTYPE Operation against a key holding the wrong kind of value\"\n");
}

static void test_errors(void **state)
{
	static const struct feed f[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER("-MOVED 3999 127.0.0.1:6381\r\n"),
		CLIENT("*3\r\n$5\r\nAUTHX\r\n$2\r\nme\r\n$2\r\npw\r\n"),
		SERVER("-ERR unknown command 'AUTHX', with args beginning with: 'me' 'pw' \r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER("!21\r\nSYNTAX invalid syntax\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER("-it isn't so\r\n"),
	};

	(void)state;
	CHECK(f,
	      "redis GET k MOVED error req=20 resp=28 route=GET error=\"MOVED 3999 127.0.0.1:6381\"\n"
	      "redis AUTHX - ERR error req=31 resp=68 route=AUTHX error=\"ERR unknown command '?'\"\n"
	      "redis GET k SYNTAX error req=20 resp=28 route=GET error=\"SYNTAX invalid syntax\"\n"
	      "redis GET k ERR error req=20 resp=14 route=GET error=\"it isn't so\"\n");
}

/* Passwords never, values only on request. */
static void test_raw(void **state)
{
	static const struct feed f[] = {
		CLIENT("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n"),
		SERVER("%1\r\n$5\r\nproto\r\n:3\r\n"),
		CLIENT("*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$6\r\nsecret\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("*3\r\n$3\r\nSET\r\n$6\r\nuser:1\r\n$70\r\n1234567890123456789012345678901234567890"
		       "123456789012345678901234567890\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("auth 'se cret'\r\n"),
		SERVER("+OK\r\n"),
	};

	(void)state;
	CHECK(f,
	      "redis AUTH - OK ok req=34 resp=5 items=1 route=AUTH text=\"AUTH ? ?\"\n"
	      "redis HELLO - OK ok req=52 resp=19 items=1 route=HELLO text=\"HELLO ? ? ? ?\"\n"
	      "redis \"CONFIG SET\" - OK ok req=55 resp=5 items=1 route=\"CONFIG SET\" "
	      "text=\"CONFIG SET ? ?\"\n"
	      "redis SET user:{id} OK ok req=102 resp=5 items=1 route=\"SET user:*\" text=\"SET user:1 "
	      "1234567890123456789012345678901234567890123456789012345678901234...\"\n"
	      "redis AUTH - OK ok req=16 resp=5 items=1 route=AUTH text=\"auth ?\"\n",
	      .raw = true);
}

static void test_resp3(void **state)
{
	static const struct feed f[] = {
		CLIENT("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"),
		SERVER("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"),
		CLIENT("*2\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n"),
		SERVER("|1\r\n+ttl\r\n:10\r\n*3\r\n$7\r\nmessage\r\n|1\r\n+a\r\n*1\r\n_\r\n,1.5e-3\r\n#t\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n_\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER("$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n*?\r\n:1\r\n~2\r\n=5\r\ntxt:x\r\n(123\r\n.\r\n"),
	};

	(void)state;
	CHECK(f, "redis HELLO - OK ok req=22 resp=42 items=2 route=HELLO\n"
		 "redis LRANGE l OK ok req=23 resp=60 items=3 route=LRANGE\n"
		 "redis INVALIDATE - - unknown req=0 resp=32 items=1 route=INVALIDATE flags=oneway\n"
		 "redis GET k NIL ok req=20 resp=3 route=GET\n"
		 "redis GET k OK ok req=20 resp=25 items=1 route=GET\n"
		 "redis GET k OK ok req=20 resp=32 items=2 route=GET\n");
}

static void test_subscribe(void **state)
{
	static const struct feed two[] = {
		CLIENT("*3\r\n$9\r\nSUBSCRIBE\r\n$6\r\nnews:1\r\n$1\r\nb\r\n"),
		SERVER("*3\r\n$9\r\nsubscribe\r\n$6\r\nnews:1\r\n:1\r\n"
		       "*3\r\n$7\r\nmessage\r\n$6\r\nnews:1\r\n$5\r\nhello\r\n"
		       "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"),
		SERVER("*4\r\n$8\r\npmessage\r\n$6\r\nnews:*\r\n$6\r\nnews:1\r\n$5\r\nhello\r\n"
		       "*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
		CLIENT("*1\r\n$11\r\nUNSUBSCRIBE\r\n"),
		SERVER("*3\r\n$11\r\nunsubscribe\r\n$6\r\nnews:1\r\n:1\r\n"
		       "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n"),
		CLIENT("*2\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n"),
		SERVER("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"),
	};
	static const struct feed three[] = {
		SERVER(">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n"),
		CLIENT("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n$1\r\nx\r\n"),
	};

	(void)state;
	CHECK(two,
	      "redis MESSAGE news:{id} - unknown req=0 resp=40 items=1 route=MESSAGE flags=oneway\n"
	      "redis SUBSCRIBE news:{id} OK ok req=38 resp=65 items=2 route=\"SUBSCRIBE news:*\" flags=stream\n"
	      "redis PMESSAGE news:{id} - unknown req=0 resp=53 items=1 route=PMESSAGE flags=oneway\n"
	      "redis PING - OK ok req=14 resp=20 items=2 route=PING\n"
	      "redis UNSUBSCRIBE - OK ok req=22 resp=38 items=1 route=UNSUBSCRIBE\n"
	      "redis LRANGE l OK ok req=23 resp=31 items=3 route=LRANGE\n");
	CHECK(three, "redis MESSAGE ch - unknown req=0 resp=36 items=1 route=MESSAGE flags=oneway\n"
		     "redis SUBSCRIBE a OK ok req=26 resp=30 items=1 route=SUBSCRIBE flags=stream\n"
		     "redis GET k OK ok req=20 resp=7 items=1 route=GET\n");
}

static void test_modes(void **state)
{
	static const struct feed replies[] = {
		CLIENT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"
		       "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$2\r\nON\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"
		       "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		SERVER("$-1\r\n"),
	};
	static const struct feed monitor[] = {
		CLIENT("MONITOR\r\n"),
		SERVER("+OK\r\n+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n"),
		CLIENT("QUIT\r\n"),
		SERVER("+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n+OK\r\n"),
	};
	static const struct feed select[] = {
		CLIENT("select 3\r\n\r\n  get   'a b' x\r\n"),
		SERVER("+OK\r\n:1\r\n"),
		CLIENT("client setname 'web 1'\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("get k\r\n"),
		SERVER("_\r\n"),
	};
	static const struct feed replica[] = {
		CLIENT("*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"),
		SERVER("+FULLRESYNC 8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb 0\r\n"),
		SERVER("$100\r\nREDIS0010"),
	};

	(void)state;
	CHECK(replies,
	      "redis \"CLIENT REPLY\" - - unknown req=36 resp=0 route=\"CLIENT REPLY\" flags=oneway\n"
	      "redis DEL a - unknown req=20 resp=0 route=DEL flags=oneway\n"
	      "redis \"CLIENT REPLY\" - OK ok req=35 resp=5 items=1 route=\"CLIENT REPLY\"\n"
	      "redis \"CLIENT REPLY\" - - unknown req=37 resp=0 route=\"CLIENT REPLY\" flags=oneway\n"
	      "redis DEL a - unknown req=20 resp=0 route=DEL flags=oneway\n"
	      "redis GET a NIL ok req=20 resp=5 route=GET\n");
	CHECK(monitor, "redis MONITOR - OK ok req=9 resp=5 items=1 route=MONITOR flags=stream\n"
		       "redis QUIT - OK ok req=6 resp=5 items=1 route=QUIT\n");
	FEED_CHECK(&proto_redis, select,
		   "redis SELECT - OK ok req=10 resp=5 items=1 route=SELECT\n"
		   "redis GET {id} OK ok req=17 resp=4 items=1 route=GET\n"
		   "redis \"CLIENT SETNAME\" - OK ok req=24 resp=5 items=1 route=\"CLIENT SETNAME\" host=3 agent=\"web 1\"\n"
		   "redis GET k NIL ok req=7 resp=3 route=GET host=3 agent=\"web 1\"\n",
		   .once = true);
	CHECK(replica, "redis PSYNC - OK ok req=30 resp=56 items=1 route=PSYNC flags=stream\n");
}

static void test_gaps(void **state)
{
	static const struct feed ask[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		CLIENT_LOST(20),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nc\r\n"),
		SERVER("$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nd\r\n"),
		SERVER("$1\r\nd\r\n"),
	};
	static const struct feed answer[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		SERVER("$3\r\nx"),
		SERVER_LOST(5),
		SERVER("junk\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"),
		SERVER("$1\r\nb\r\n"),
	};
	static const struct feed body[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5000\r\n"),
		CLIENT_LOST(5000),
		CLIENT("\r\n"),
		SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		SERVER("$5000\r\nabc"),
		SERVER_LOST(4997),
		SERVER("\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"),
		SERVER("$1\r\nb\r\n"),
	};
	/* Of calls that are copied in part alone, the end of what is passed over is not known. */
	static const struct feed ends[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5000\r\nabc"),
		CLIENT_LOST(4999),
		SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		SERVER("$5000\r\nabc"),
		SERVER_LOST(4999),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"),
		SERVER("$1\r\nb\r\n"),
	};

	(void)state;
	FEED_CHECK(&proto_redis, ask,
		   "redis GET a OK ok req=20 resp=7 items=1 route=GET\n"
		   "redis GET c OK ok req=20 resp=7 items=1 route=GET flags=lost\n"
		   "redis GET d OK ok req=20 resp=7 items=1 route=GET\n",
		   .once = true);
	FEED_CHECK(&proto_redis, answer,
		   "redis GET a OK ok req=20 resp=9 items=1 route=GET\n"
		   "redis GET b OK ok req=20 resp=7 items=1 route=GET\n",
		   .once = true);
	CHECK(body, "redis SET a OK ok req=5029 resp=5 items=1 route=SET\n"
		    "redis GET a OK ok req=20 resp=5009 items=1 route=GET\n"
		    "redis GET b OK ok req=20 resp=7 items=1 route=GET\n");
	CHECK(ends, "redis SET a OK ok req=5029 resp=5 items=1 route=SET\n"
		    "redis GET a OK ok req=20 resp=5009 items=1 route=GET\n"
		    "redis GET b OK ok req=20 resp=7 items=1 route=GET\n");
}

static void test_midway(void **state)
{
	static const struct feed f[] = {
		SERVER("$1\r\nb\r\n*2\r\n$1\r\nb\r\n"),
		SERVER(":1\r\n"),
		SERVER("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
		SERVER("$1\r\nb\r\n"),
	};

	(void)state;
	CHECK(f,
	      "redis MESSAGE a - unknown req=0 resp=31 items=1 route=MESSAGE flags=oneway,midway\n"
	      "redis GET a OK ok req=20 resp=7 items=1 route=GET flags=midway\n",
	      .midway = true);
}

static const struct {
	enum proto_dir dir;
	const char *bytes, *golden;
} hostile[] = {
	{ PROTO_TO_SERVER, "*x\r\n", "! count\n" },
	{ PROTO_TO_SERVER, "*99999999999\r\n$4\r\nPING\r\n", "! count\n" },
	{ PROTO_TO_SERVER, "*1\r\n:4\r\nPING\r\n", "! command\n" },
	{ PROTO_TO_SERVER, "*1\r\n$0\r\n\r\n", "! command\n" },
	{ PROTO_TO_SERVER, "*1\r\n$4\r\nP NG\r\n", "! command\n" },
	{ PROTO_TO_SERVER, "*1\r\n$4\r\nPINGxx", "! command\n" },
	{ PROTO_TO_SERVER, "GE\tT a\r\n", "! inline\n" },
	{ PROTO_TO_SERVER, "\x16\x03\x01\x02\r\n", "! inline\n" },
	{ PROTO_TO_SERVER, "GET a\n", "! inline\n" },
	{ PROTO_TO_CLIENT, "OK\r\n", "! type\n" },
	{ PROTO_TO_CLIENT, "\xff", "! type\n" },
	{ PROTO_TO_CLIENT, ":1x\r\n", "! number\n" },
	{ PROTO_TO_CLIENT, "#\r\n", "! number\n" },
	{ PROTO_TO_CLIENT, "_x\r\n", "! number\n" },
	{ PROTO_TO_CLIENT, "+a\rb\r\n", "! line\n" },
	{ PROTO_TO_CLIENT, "$9999999999999\r\n", "! bulk-length\n" },
	{ PROTO_TO_CLIENT, "$-2\r\n", "! bulk-length\n" },
	{ PROTO_TO_CLIENT, "$1\r\nab\r\n", "! bulk-end\n" },
	{ PROTO_TO_CLIENT, "*4294967296\r\n", "! count\n" },
	{ PROTO_TO_CLIENT, "~-1\r\n", "! count\n" },
	{ PROTO_TO_CLIENT, ".\r\n", "! type\n" },
	{ PROTO_TO_CLIENT, ";1\r\n", "! type\n" },
	{ PROTO_TO_CLIENT, "*1\r\n>1\r\n", "! type\n" },
	{ PROTO_TO_CLIENT, "$?\r\n+a\r\n", "! type\n" },
	{ PROTO_TO_CLIENT,
	  "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
	  "*1\r\n*1\r\n*1\r\n",
	  "! depth\n" },
	/* and as many that are none */
	{ PROTO_TO_SERVER, "*0\r\n", "" },
	{ PROTO_TO_SERVER, "*-1\r\n", "" },
	{ PROTO_TO_SERVER, "\r\n\r\n", "" },
	{ PROTO_TO_SERVER, "*1\r\n$4\r\nPIN", "" },
	{ PROTO_TO_SERVER, "*1000000\r\n$4\r\nMGET\r\n",
	  "redis MGET - - unknown req=20 resp=0 route=MGET flags=unanswered\n" },
	{ PROTO_TO_SERVER, "*2\r\n$3\r\nSET\r\n$4000000000\r\nab",
	  "redis SET - - unknown req=13 resp=0 route=SET flags=unanswered\n" },
	{ PROTO_TO_CLIENT, "*1\r\n*0\r\n", "" },
	{ PROTO_TO_CLIENT, "*-1\r\n$-1\r\n", "" },
	{ PROTO_TO_CLIENT, "*2147483647\r\n", "! count\n" },
	{ PROTO_TO_CLIENT, "*1000000000\r\n:1\r\n", "" },
	{ PROTO_TO_CLIENT, "|1\r\n+a\r\n+b\r\n|0\r\n+OK\r\n", "" },
	{ PROTO_TO_CLIENT, "%?\r\n+a\r\n:1\r\n.\r\n", "" },
	{ PROTO_TO_CLIENT, ",inf\r\n,-1.5\r\n,nan\r\n", "" },
	{ PROTO_TO_CLIENT, "(-3492890328409238509324850943850943825024385\r\n", "" },
	{ PROTO_TO_CLIENT, "+\r\n$0\r\n\r\n", "" },
	{ PROTO_TO_CLIENT, ">1\r\n+x\r\n",
	  "redis PUSH - - unknown req=0 resp=8 items=1 route=PUSH flags=oneway\n" },
};

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct feed f = { hostile[i].dir, str_of(hostile[i].bytes), 0 };

		feed_check(&proto_redis, &(struct feed_opts){ .once = true }, &f, 1,
			   hostile[i].golden);
	}
}

/* A million elements, and a million commands without an answer: the window's bound, no more. */
static void test_large(void **state)
{
	static const char cmd[] = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", value[] = "$1\r\nb\r\n";
	struct feed_opts o = { 0 };
	struct feed_run f;
	struct boot_ns now = { NS_PER_SEC };

	(void)state;
	feed_begin(&f, &proto_redis, &o, NULL, 0, &(struct feed_cut){ .stop = 1 });
	reader_init(&f.reader, &f.env, &f);
	assert_int_equal(reader_start(&f.reader, &proto_redis, 0), 0);
	for (int i = 0; i < 5000; i++)
		reader_feed_next(&f.reader, 0, sizeof(cmd) - 1, STR(cmd), now);
	assert_int_equal(f.env.pool.n, WINDOW_MAX);
	assert_int_equal(f.env.pool.pushed_out, 5000 - WINDOW_MAX);
	/* the answers of those that were pushed out are missed, the others paired */
	buf_reset(&f.lines);
	for (int i = 0; i < 5000 - WINDOW_MAX; i++)
		reader_feed_next(&f.reader, 1, sizeof(value) - 1, STR(value), now);
	assert_int_equal(f.lines.n, 0);
	assert_int_equal(f.env.pool.n, WINDOW_MAX);
	reader_feed_next(&f.reader, 1, 10, STR("*1000000\r\n"), now);
	for (int i = 0; i < 1000000; i++)
		reader_feed_next(&f.reader, 1, sizeof(value) - 1, STR(value), now);
	assert_true(str_eq(buf_slice(&f.lines),
			   STR("redis GET a OK ok req=20 resp=7000010 items=1000000 route=GET\n")));
	reader_close(&f.reader, now);
	feed_end(&f);
}

static void test_guess(void **state)
{
	static const struct {
		const char *head;
		enum proto_guess unusual, usual;
	} cases[] = {
		{ "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", GUESS_REQUEST, GUESS_REQUEST },
		{ "*1\r\n$4\r\nping\r\n", GUESS_REQUEST, GUESS_REQUEST },
		{ "*2\r\n$3\r\nGE", GUESS_MORE, GUESS_MORE },
		{ "*", GUESS_MORE, GUESS_MORE },
		{ "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "*2\r\n$9\r\nsubscribe\r\n$1\r\na\r\n", GUESS_REQUEST, GUESS_REQUEST },
		{ "*3\r\n$7\r\nmessage\r\n", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "-WRONGTYPE Operation against\r\n", GUESS_RESPONSE, GUESS_RESPONSE },
		{ "-ERR 'Unknown Protocol Operation'\r\n", GUESS_NO, GUESS_NO },
		{ "-ERR syntax error\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "+OK\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "+OK Dovecot ready.\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "PING\r\n", GUESS_NO, GUESS_REQUEST },
		{ "$5\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "*2\r\n$3\r\nfoo\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "*2\r\n:1\r\n", GUESS_NO, GUESS_RESPONSE },
		{ "GET / HTTP/1.1\r\n", GUESS_NO, GUESS_REQUEST },
		{ "INFO {\"server_id\":\"x\"}\r\n", GUESS_NO, GUESS_REQUEST },
		{ "CONNECT {}\r\n", GUESS_NO, GUESS_NO },
		{ "PUB a 3\r\n", GUESS_NO, GUESS_NO },
		{ "HTTP/1.1 200 OK\r\n", GUESS_NO, GUESS_NO },
		{ "\x16\x03\x01", GUESS_NO, GUESS_NO },
		{ "AMQP", GUESS_NO, GUESS_MORE },
		{ "*2a", GUESS_NO, GUESS_NO },
		{ "*99999999999999999999", GUESS_NO, GUESS_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum proto_guess no = proto_redis.guess(str_of(cases[i].head), false);
		enum proto_guess yes = proto_redis.guess(str_of(cases[i].head), true);

		if (no != cases[i].unusual || yes != cases[i].usual)
			print_error("%s: %d %d\n", cases[i].head, no, yes);
		assert_int_equal(no, cases[i].unusual);
		assert_int_equal(yes, cases[i].usual);
	}
}

static void test_keys(void **state)
{
	static const char *const cases[][2] = {
		{ "user:123", "user:{id}" },
		{ "user:123:cart", "user:{id}:cart" },
		{ "cache:v2:page/about", "cache:v2:page/about" },
		{ "sess:6e8bc430-9c3a-11d9-9669-0800200c9a66", "sess:{id}" },
		{ "oauth2:x", "oauth2:x" },
		{ "mail:joe@example.org", "mail:{id}.org" },
		{ "{user1000}.following", "{{id}}.following" },
		{ "", "" },
		{ "\xff\x01", "{id}" },
		{ "a b", "{id}" },
		{ "q:abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw", "q:{id}" },
		{ "t:dGhpcyBpcyBhIHRva2Vu", "t:{id}" },
	};
	char to[FOLD_MAX], many[256];
	struct str s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = fold_name(str_of(cases[i][0]), to);
		if (!str_eq(s, str_of(cases[i][1])))
			print_error("%s: %.*s\n", cases[i][0], STR_ARG(s));
		assert_true(str_eq(s, str_of(cases[i][1])));
	}
	memset(many, ':', sizeof(many));
	s = fold_name((struct str){ many, sizeof(many) }, to);
	assert_true(s.n <= sizeof(to) && str_ends(s, STR("...")));
	assert_null(redis_command(STR("NOSUCH")));
	assert_int_equal(redis_command(STR("APPEND"))->key, 1);
	assert_int_equal(redis_command(STR("ZUNIONSTORE"))->key, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands), cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_raw),
		cmocka_unit_test(test_resp3),	 cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_modes),	 cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_midway),	 cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_large),	 cmocka_unit_test(test_guess),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
