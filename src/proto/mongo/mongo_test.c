/*
 * MongoDB: what a real client said (test/captures/l7/mongo), messages made after the specification, and what no one
 * should say.
 */
#include "proto/capture_test.h"

/* clang-format off */
static const struct feed pipelined[] = {
	CLIENT("U\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000U\000\000\000\002\000"
		"\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000\000\000\002find\000"
		"\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000\005\000\000\0004111"
		"\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\002\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000&\000\000\000\204\003\000\000"
		"\001\000\000\000\335\007\000\000\000\000\000\000\000\021\000\000\000\001ok\000\000\000"
		"\000\000\000\000\360\077\000"),
};
static const struct feed lost_batch[] = {
	CLIENT("U\000\000\000\004\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("\250\031\000\000\005\000\000\000\004\000\000\000\335\007\000\000\000\000\000\000\000\223"
		"\031\000\000\003cursor\000z\031\000\000\004fi"),
	SERVER_LOST(6488),
	SERVER("xxxxxxxxxxxxxxxxxxxxxxx\000\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
};
static const struct feed checksum[] = {
	CLIENT("7\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\001\000\000\000\000\036"
		"\000\000\000\020ping\000\001\000\000\000\002$db\000\006\000\000\000admin\000\000\001\002"
		"\003\004"),
	SERVER("*\000\000\000\002\000\000\000\001\000\000\000\335\007\000\000\001\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000\001\002\003\004"),
};
static const struct feed sequence_first[] = {
	CLIENT("\222\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\002\000\000\000\001Y"
		"\000\000\000documents\000\031\000\000\000\002secret\000\010\000\000\000hunter2\000\000"
		"\031\000\000\000\002secret\000\010\000\000\000hunter2\000\000\031\000\000\000\002secret"
		"\000\010\000\000\000hunter2\000\000\000#\000\000\000\002insert\000\004\000\000\000log"
		"\000\002$db\000\005\000\000\000shop\000\000"),
};
static const struct feed exhaust[] = {
	CLIENT("4\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\001\000\000\037"
		"\000\000\000\020hello\000\001\000\000\000\002$db\000\006\000\000\000admin\000\000"),
	SERVER("&\000\000\000\007\000\000\000\001\000\000\000\335\007\000\000\002\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000&\000\000\000\010\000\000\000"
		"\007\000\000\000\335\007\000\000\002\000\000\000\000\021\000\000\000\001ok\000\000\000"
		"\000\000\000\000\360\077\000"),
	CLIENT("U\000\000\000\002\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\002\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
};
static const struct feed compressed[] = {
	CLIENT("!\000\000\000\001\000\000\000\000\000\000\000\334\007\000\000\335\007\000\000d\000\000"
		"\000\001zzzzzzzz"),
	SERVER("\034\000\000\000\002\000\000\000\001\000\000\000\334\007\000\000\335\007\000\000d\000"
		"\000\000\001zzz"),
};
static const struct feed legacy[] = {
	CLIENT("<\000\000\000\001\000\000\000\000\000\000\000\324\007\000\000\000\000\000\000shop.orders"
		"\000\000\000\000\000\001\000\000\000\024\000\000\000\002card\000\005\000\000\0004111\000"
		"\000"),
	SERVER("2\000\000\000\002\000\000\000\001\000\000\000\001\000\000\000\000\000\000\000\000\000"
		"\000\000\000\000\000\000\000\000\000\000\001\000\000\000\016\000\000\000\020_id\000\001"
		"\000\000\000\000"),
	CLIENT("+\000\000\000\003\000\000\000\000\000\000\000\322\007\000\000\000\000\000\000shop.log"
		"\000\016\000\000\000\002a\000\002\000\000\000b\000\000"),
	CLIENT(":\000\000\000\004\000\000\000\000\000\000\000\324\007\000\000\000\000\000\000admin.$cmd"
		"\000\000\000\000\000\377\377\377\377\023\000\000\000\020isMaster\000\001\000\000\000\000"),
	SERVER("l\000\000\000\002\000\000\000\004\000\000\000\001\000\000\000\002\000\000\000\000\000"
		"\000\000\000\000\000\000\000\000\000\000\001\000\000\000H\000\000\000\002$err\000#\000"
		"\000\000E11000 dup key: { email: \042a@b.c\042 }\000\020code\000{'\000\000\001ok\000\000"
		"\000\000\000\000\000\000\000\000"),
};
static const struct feed gap[] = {
	CLIENT("U\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\001\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000"),
	SERVER_LOST(30),
	CLIENT("U\000\000\000\002\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\002\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
	CLIENT("U\000\000\000\003\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find"),
	CLIENT_LOST(80),
	CLIENT("U\000\000\000\004\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\004\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
};
static const struct feed midway[] = {
	SERVER("&\000\000\000\204\003\000\000M\000\000\000\335\007\000\000\000\000\000\000\000\021\000"
		"\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
	CLIENT("U\000\000\000\003\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000@\000"
		"\000\000\002find\000\007\000\000\000orders\000\003filter\000\024\000\000\000\002card\000"
		"\005\000\000\0004111\000\000\002$db\000\005\000\000\000shop\000\000"),
	SERVER("&\000\000\000\204\003\000\000\003\000\000\000\335\007\000\000\000\000\000\000\000\021"
		"\000\000\000\001ok\000\000\000\000\000\000\000\360\077\000"),
};
static const struct { const char *reason; struct str bytes; } wrong[] = {
	{ "size", STR("\017\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000") },
	{ "size", STR("\377\377\377\377\001\000\000\000\000\000\000\000\335\007\000\000") },
	{ "size", STR("\000\000\000\006\001\000\000\000\000\000\000\000\335\007\000\000") },
	{ "opcode", STR("\036\000\000\000\001\000\000\000\000\000\000\000\336\007\000\000") },
	{ "opcode", STR("\036\000\000\000\001\000\000\000\000\000\000\000\001\000\000\000") },
	{ "opcode", STR("\036\000\000\000\001\000\000\000\000\000\000\000\000\000\000\000") },
	{ "response-to", STR("\036\000\000\000\001\000\000\000\005\000\000\000\335\007\000\000") },
	{ "size", STR("\022\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000") },
	{ "flags", STR("\032\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\004\000\000\000\000\005"
		"\000\000\000\000") },
	{ "section", STR("\032\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\002\005"
		"\000\000\000\000") },
	{ "section", STR("\026\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\000") },
	{ "section", STR("\031\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000d"
		"\000\000\000") },
	{ "section", STR("\031\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\001\373"
		"\377\377\377") },
	{ "section", STR("\032\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\004"
		"\000\000\000\000") },
	{ "element", STR("\035\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\010"
		"\000\000\000Ua\000\000") },
	{ "element", STR("\042\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\015"
		"\000\000\000\002a\000\350\003\000\000x\000") },
	{ "element", STR("\042\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\015"
		"\000\000\000\002a\000\377\377\377\377x\000") },
	{ "element", STR("\042\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\015"
		"\000\000\000\003a\000\003\000\000\000x\000") },
	{ "element", STR("\253\001\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\226"
		"\001\000\000\002nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\000") },
	{ "element", STR("\036\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\011"
		"\000\000\000\002abc\000") },
	{ "size", STR("\032\000\000\000\001\000\000\000\000\000\000\000\324\007\000\000\000\000\000\000\000\000"
		"\000\000\000\000") },
	{ "size", STR(")\000\000\000\001\000\000\000\000\000\000\000\324\007\000\000\000\000\000\000abcdefghijk"
		"l\000\000\000\000\000\000\000\000\000") },
	{ "element", STR("\042\000\000\000\001\000\000\000\000\000\000\000\335\007\000\000\000\000\000\000\000\015"
		"\000\000\000\013abc\000def\000") },
};

static const uint16_t ports[] = { 27017, 3717, 0 };
#define DIR "test/captures/l7/mongo/"

static const char *const pymongo[] = {
	"mongo ismaster - OK ok req=287 resp=216 route=ismaster host=admin\n",
	"mongo ismaster - OK ok req=305 resp=216 route=ismaster host=admin\n"
	"mongo find shop.orders OK ok req=157 resp=471 items=3 route=\"find shop.orders\" host=shop\n"
	"mongo find shop.big OK ok req=116 resp=38083 route=\"find shop.big\" host=shop\n"
	"mongo find shop.more OK ok req=117 resp=469 items=3 route=\"find shop.more\" host=shop\n"
	"mongo getMore shop.more OK ok req=74 resp=110 items=1 route=\"getMore shop.more\" host=shop\n"
	"mongo find shop.nothere NamespaceNotFound error req=120 resp=110 code=26 route=\"find shop.nothere\" host=shop error=\"ns does not exist\"\n"
	"mongo insert shop.dup 11000 error req=135 resp=142 route=\"insert shop.dup\" host=shop error=\"E11000 duplicate key error collection\"\n"
	"mongo frobnicate - CommandNotFound error req=105 resp=120 code=59 route=frobnicate host=shop error=\"no such command: 'frobnicate'\"\n"
	"mongo insert shop.orders OK ok req=529 resp=45 items=5 route=\"insert shop.orders\" host=shop\n"
	"mongo update shop.orders OK ok req=185 resp=60 items=1 route=\"update shop.orders\" host=shop\n"
	"mongo delete shop.orders OK ok req=153 resp=45 items=2 route=\"delete shop.orders\" host=shop\n"
	"mongo aggregate shop.orders OK ok req=169 resp=120 items=1 route=\"aggregate shop.orders\" host=shop\n"
	"mongo insert shop.log - unknown req=176 resp=0 route=\"insert shop.log\" host=shop flags=oneway\n"
	"mongo ping - OK ok req=100 resp=38 route=ping host=admin\n",
};
static const char *const other =
	"mongo find sky-test.query OK ok req=230 resp=285 items=1 route=\"find sky-test.query\" host=sky-test flags=midway\n";
/* clang-format on */

static void captures(void **state)
{
	(void)state;
	capture_check(DIR "pymongo-3.11.pcap", ports, &proto_mongo, &(const struct feed_opts){ 0 },
		      pymongo, sizeof(pymongo) / sizeof(*pymongo));
	capture_check(DIR "mongo-msg.pcap", ports, &proto_mongo,
		      &(const struct feed_opts){ .midway = true }, &other, 1);
}

static void conversations(void **state)
{
	(void)state;
	FEED_CHECK(
		&proto_mongo, pipelined,
		"mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop\n"
		"mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop\n");
	FEED_CHECK(
		&proto_mongo, lost_batch,
		"mongo find shop.orders OK ok req=85 resp=6568 route=\"find shop.orders\" host=shop\n");
	FEED_CHECK(&proto_mongo, checksum,
		   "mongo ping - OK ok req=55 resp=42 route=ping host=admin\n");
	FEED_CHECK(
		&proto_mongo, sequence_first,
		"mongo insert shop.log - unknown req=146 resp=0 route=\"insert shop.log\" host=shop flags=oneway\n");
	FEED_CHECK(
		&proto_mongo, exhaust,
		"mongo hello - OK ok req=52 resp=38 route=hello host=admin flags=stream\n"
		"mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop\n");
	FEED_CHECK(&proto_mongo, compressed,
		   "mongo OP_COMPRESSED - - unknown req=33 resp=28 route=OP_COMPRESSED\n");
	FEED_CHECK(
		&proto_mongo, legacy,
		"mongo OP_QUERY shop.orders - unknown req=60 resp=50 route=\"OP_QUERY shop.orders\" host=shop\n"
		"mongo OP_INSERT - - unknown req=43 resp=0 route=OP_INSERT flags=oneway\n"
		"mongo isMaster - 10107 error req=58 resp=108 route=isMaster host=admin error=\"E11000 dup key:\"\n");
	FEED_CHECK(
		&proto_mongo, gap,
		"mongo find shop.orders - unknown req=85 resp=38 lost=30 route=\"find shop.orders\" host=shop flags=lost\n"
		"mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop\n"
		"mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop\n"
		"mongo OP_MSG - - unknown req=85 resp=0 lost=80 route=OP_MSG flags=lost,unanswered\n",
		.once = true);
	FEED_CHECK(&proto_mongo, midway,
		   "mongo find shop.orders OK ok req=85 resp=38 route=\"find shop.orders\" host=shop flags=midway\n",
		   .midway = true);
}

static void hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const struct feed_opts o = { 0 };
		struct feed items[] = { { PROTO_TO_SERVER, wrong[i].bytes, 0 } };
		struct feed_run f;
		struct str got = feed_begin(&f, &proto_mongo, &o, items, 1, &(struct feed_cut){ 0 });
		char want[64];

		snprintf(want, sizeof(want), "! %s\n", wrong[i].reason);
		if (!str_contains(got, str_of(want))) {
			print_error("%zu: %.*s, not %s", i, STR_ARG(got), want);
			fail();
		}
		feed_end(&f);
		for (size_t at = 1; at < wrong[i].bytes.n; at++)
			feed_try(&proto_mongo, &o, items, 1, (struct feed_cut){ .stop = at });
	}
}

static enum proto_guess guess(struct str s)
{
	return proto_mongo.guess(s, false);
}

static void guesses(void **state)
{
	(void)state;
	assert_int_equal(guess(pipelined[0].bytes), GUESS_REQUEST);
	assert_int_equal(guess(pipelined[1].bytes), GUESS_RESPONSE);
	assert_int_equal(guess((struct str){ pipelined[0].bytes.p, 15 }), GUESS_MORE);
	assert_int_equal(guess(STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), GUESS_NO);
	assert_int_equal(guess(STR("*1\r\n$4\r\nPING\r\n*1\r\n")), GUESS_NO);
	assert_int_equal(guess(STR("\026\003\001\002\000\001\000\001\374\003\003abcdefgh")),
			 GUESS_NO);
	assert_int_equal(guess(STR("\0\0\0\051\0\003\0\0user\0me\0\0\0\0\0\0")), GUESS_NO);
	assert_int_equal(guess(STR("\112\0\0\0\0128.0.32\0\020\0\0\0abcdefgh\0")), GUESS_NO);
	assert_int_equal(guess(STR("\021\0\0\0\003SELECT 1 FROM t")), GUESS_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures),
		cmocka_unit_test(conversations),
		cmocka_unit_test(hostile),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
