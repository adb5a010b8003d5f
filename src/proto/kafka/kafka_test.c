/*
 * Kafka: what real clients and a broker's stand-in said (test/captures/l7/kafka), messages by Kafka's definitions, and
 * what no one should say.
 */
#include "proto/capture_test.h"
#include "proto/kafka/api.h"
#include "proto/kafka/vectors_test.h"

/* clang-format off */
static const struct feed learned[] = {
	CLIENT("\000\000\000*\000\003\000\014\000\000\000\005\000\003app\000\002\000\000\000\000\000\000"
		"\000\000\000\000\000\000\000\000\000\000\007orders\000\000\000\000"),
	SERVER("\000\000\0001\000\000\000\005\000\000\000\000\000\001\000\000\000\000\001\002\000\000"
		"\007orders\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\000\001\000"
		"\000\000\000\000\000"),
	CLIENT("\000\000\000O\000\001\000\015\000\000\000\006\000\003app\000\377\377\377\377\000\000\001"
		"\364\000\000\000\001\000\000\000\001\000\000\000\000\000\000\000\000\000\003\001\002\003"
		"\004\005\006\007\010\011\012\013\014\015\016\017\020\001\000\002\003\004\005\006\007\010"
		"\011\012\013\014\015\016\017\020\021\001\000\001\001\000"),
	SERVER("\000\000\000\021\000\000\000\006\000\000\000\000\000\000\000\000\000\000\011\001\000"),
	CLIENT("\000\000\000+\000\001\000\015\000\000\000\007\000\003app\000\377\377\377\377\000\000\001"
		"\364\000\000\000\001\000\000\000\001\000\000\000\000\011\000\000\000\001\001\001\001\000"),
	SERVER("\000\000\000H\000\000\000\007\000\000\000\000\000\000\000\000\000\000\011\002\001\002"
		"\003\004\005\006\007\010\011\012\013\014\015\016\017\020\002\000\000\000\000\000\001\000"
		"\000\000\000\000\000\000\005\000\000\000\000\000\000\000\005\000\000\000\000\000\000\000"
		"\000\001\377\377\377\377\000\000\000\000"),
};
static const struct feed sendfile[] = {
	CLIENT("\000\000\000r\000\001\000\013\000\000\000\010\000\003app\377\377\377\377\000\000\001\364"
		"\000\000\000\001\000\000\000\001\000\000\000\000\000\000\000\000\000\000\000\000\001\000"
		"\004logs\000\000\000\002\000\000\000\000\377\377\377\377\000\000\000\000\000\000\000\000"
		"\000\000\000\000\000\000\000\000\000\000\003\347\000\000\000\001\377\377\377\377\000\000"
		"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\003\347\000\000\000\000"
		"\000\000"),
	SERVER("\000\002J`\000\000\000\010\000\000\000\000\000\000\000\000\000\000\000\000\000\001\000"
		"\004logs\000\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000\000\005\000\000"
		"\000\000\000\000\000\005\000\000\000\000\000\000\000\000\000\000\000\000\377\377\377\377"
		"\000\001\206\240"),
	SERVER_LOST(100000),
	SERVER("\000\000\000\001\000\006\000\000\000\000\000\000\000\005\000\000\000\000\000\000\000\005"
		"\000\000\000\000\000\000\000\000\000\000\000\000\377\377\377\377\000\000\303P"),
	SERVER_LOST(50000),
	CLIENT("\000\000\000r\000\001\000\013\000\000\000\011\000\003app\377\377\377\377\000\000\001\364"
		"\000\000\000\001\000\000\000\001\000\000\000\000\000\000\000\000\000\000\000\000\001\000"
		"\004logs\000\000\000\002\000\000\000\000\377\377\377\377\000\000\000\000\000\000\000\000"
		"\000\000\000\000\000\000\000\000\000\000\003\347\000\000\000\001\377\377\377\377\000\000"
		"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\003\347\000\000\000\000"
		"\000\000"),
	SERVER("\000\000\000\022\000\000\000\011\000\000\000\000\000F\000\000\000\000\000\000\000\000"),
};
static const struct feed produce[] = {
	CLIENT("\000\000\000\211\000\000\000\007\000\000\000\001\000\004shop\377\377\000\000\000\000\003"
		"\350\000\000\000\001\000\006orders\000\000\000\001\000\000\000\002\000\000\000[\000\000"
		"\000\000\000\000\000\000\000\000\000O\000\000\000\000\002\000\000\000\000\000\000\000"
		"\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\377\377\377"
		"\377\377\377\377\377\377\377\377\377\377\377\000\000\000\003rrrrrrrrrrrrrrrrrrrrrrrrrrrr"
		"rr"),
	CLIENT("\000\000\000\211\000\000\000\007\000\000\000\002\000\004shop\377\377\377\377\000\000\003"
		"\350\000\000\000\001\000\006orders\000\000\000\001\000\000\000\002\000\000\000[\000\000"
		"\000\000\000\000\000\000\000\000\000O\000\000\000\000\002\000\000\000\000\000\000\000"
		"\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\377\377\377"
		"\377\377\377\377\377\377\377\377\377\377\377\000\000\000\003rrrrrrrrrrrrrrrrrrrrrrrrrrrr"
		"rr\000\000\000\211\000\000\000\007\000\000\000\003\000\004shop\377\377\000\001\000\000"
		"\003\350\000\000\000\001\000\006orders\000\000\000\001\000\000\000\002\000\000\000[\000"
		"\000\000\000\000\000\000\000\000\000\000O\000\000\000\000\002\000\000\000\000\000\000"
		"\000\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\377\377"
		"\377\377\377\377\377\377\377\377\377\377\377\377\000\000\000\003rrrrrrrrrrrrrrrrrrrrrrrr"
		"rrrrrr"),
	SERVER("\000\000\0006\000\000\000\002\000\000\000\001\000\006orders\000\000\000\001\000\000\000"
		"\002\000\000\000\000\000\000\000\000\000\007\377\377\377\377\377\377\377\377\000\000\000"
		"\000\000\000\000\000\000\000\000\000"),
	SERVER("\000\000\0006\000\000\000\003\000\000\000\001\000\006orders\000\000\000\001\000\000\000"
		"\002\000\007\000\000\000\000\000\000\000\007\377\377\377\377\377\377\377\377\000\000\000"
		"\000\000\000\000\000\000\000\000\000"),
	CLIENT("\000\004\224\016\000\000\000\007\000\000\000\004\000\004shop\377\377\000\001\000\000\003"
		"\350\000\000\000\001\000\006orders\000\000\000\001\000\000\000\002\000\004\223\340\000"
		"\000\000\000\000\000\000\000\000\000\000O\000\000\000\000\002\000\000\000\000\000\000"
		"\000\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\377\377"
		"\377\377\377\377\377\377\377\377\377\377\377\377\000\000\000\003rrrrrrrrrrrrrrrrrrrrrrrr"
		"rrrrrrZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"),
	CLIENT_LOST(299850),
	SERVER("\000\000\0006\000\000\000\004\000\000\000\001\000\006orders\000\000\000\001\000\000\000"
		"\002\000\310\000\000\000\000\000\000\000\007\377\377\377\377\377\377\377\377\000\000\000"
		"\000\000\000\000\000\000\000\000\000"),
	CLIENT("\000\000\000\017\000\000\000\035\000\000\000\005\377\377hello"),
	SERVER("\000\000\000\014\000\000\000\005whatever"),
};
static const struct feed answers_lost[] = {
	CLIENT("\000\000\000\031\000\014\000\003\000\000\000\001\000\003app\000\001g\000\000\000\001\000"
		"\001m\377\377\000\000\000\031\000\014\000\003\000\000\000\002\000\003app\000\001g\000"
		"\000\000\001\000\001m\377\377\000\000\000\031\000\014\000\003\000\000\000\003\000\003app"
		"\000\001g\000\000\000\001\000\001m\377\377"),
	SERVER("\000\000\000\012\000\000\000\001\000"),
	SERVER_LOST(19),
	SERVER("\000\000\000\012\000\000\000\003\000\000\000\000\000\033"),
	CLIENT("\000\000\000\031\000\014\000\003\000\000\000\004\000\003app\000\001g\000\000\000\001\000"
		"\001m\377\377"),
	SERVER("\000\000\000\012\000\000\000\004\000\000\000\000\000\000"),
};
static const struct feed requests_lost[] = {
	CLIENT("\000\000\000\031\000\014\000\003\000\000\000\001\000\003app\000\001g\000\000\000\001\000"
		"\001m\377\377"),
	SERVER("\000\000\000\012\000\000\000\001\000\000\000\000\000\000"),
	CLIENT("\000\000\000\031\000\014\000\003\000\000\000\002\000\003app\000\001g\000\000\000\001\000"
		"\001m\377\377"),
	CLIENT_LOST(50),
	CLIENT("zzzz\000\000\000\031\000\014\000\003\000\000\000\004\000\003app\000\001g\000\000\000\001"
		"\000\001m\377\377"),
	SERVER("\000\000\000\012\000\000\000\002\000\000\000\000\000\000\000\000\000\012\000\000\000\003"
		"\000\000\000\000\000\000\000\000\000\012\000\000\000\004\000\000\000\000\000\000"),
};
static const struct feed midway[] = {
	SERVER("\000\000\000\012\000\000\000F\000\000\000\000\000\000"),
	CLIENT("some rest of a message\000\000\000\031\000\014\000\003\000\000\000G\000\003app\000\001g"
		"\000\000\000\001\000\001m\377\377"),
	SERVER("\000\000\000\012\000\000\000G\000\000\000\000\000\031"),
};
static const struct feed sasl[] = {
	CLIENT("\000\000\000\024\000\021\000\001\000\000\000\001\000\003app\000\005PLAIN"),
	SERVER("\000\000\000\021\000\000\000\001\000\000\000\000\000\001\000\005PLAIN"),
	CLIENT("\000\000\000\034\000$\000\000\000\000\000\002\000\003app\000\000\000\013\000user\000secr"
		"e"),
	SERVER("\000\000\000!\000\000\000\002\000:\000\025Authentication failed\000\000\000\000"),
};

struct wrong {
	const char *reason;
	struct str bytes;
};
static const struct wrong wrong_requests[] = {
	{ "size", STR("\177\377\377\377\000\000\000\000\000\000\000\001\000\000") },
	{ "size", STR("\000\000\000\005\000\000\000\000\000\000\000\001\000\000") },
	{ "size", STR("\377\377\377\377\000\000\000\000\000\000\000\001\000\000") },
	{ "api-key", STR("\000\000\000 \001\000\000\000\000\000\000\001\000\000") },
	{ "api-key", STR("\000\000\000 \377\377\000\000\000\000\000\001\000\000") },
	{ "api-key", STR("\000\000\000 \000]\000\000\000\000\000\001\000\000") },
	{ "version", STR("\000\000\000 \000\000\001\000\000\000\000\001\000\000") },
	{ "version", STR("\000\000\000 \000\000\377\377\000\000\000\001\000\000") },
	{ "client-id", STR("\000\000\000 \000\000\000\001\000\000\000\001\177\377") },
	{ "client-id", STR("\000\000\000 \000\000\000\001\000\000\000\001\000\004a\000bc") },
	{ "client-id", STR("\000\000\000\014\000\000\000\001\000\000\000\001\000\004abcd") },
	{ "client-id", STR("\000\000\000 \000\000\000\001\000\000\000\001\377\376") },
	{ "field", STR("\000\000\000\027\000\000\000\007\000\000\000\001\000\001a\377\377\000\001\000\000\000"
		"\001\177\377\377\377") },
	{ "field", STR("\000\000\000\031\000\000\000\007\000\000\000\001\000\001a\377\377\000\001\000\000\000"
		"\001\000\000\000\001\000\001") },
	{ "field", STR("\000\000\000\027\000\000\000\007\000\000\000\001\000\001a\200\000\000\001\000\000\000"
		"\001\000\000\000\001") },
	{ "field", STR("\000\000\0000\000\000\000\007\000\000\000\001\000\001a\377\377\000\001\000\000\000\001"
		"\000\000\000\001\000\001o\000\000\000\001\000\000\000\001\000\000\003\350xxxxxxxxxx") },
	{ "field", STR("\000\000\000\022\000\003\000\011\000\000\000\001\000\001a\000\377\377\377\377\377\377") },
	{ "field", STR("\000\000\000\021\000\003\000\011\000\000\000\001\000\001a\000\002 abc") },
	{ "field", STR("\000\000\000\027\000\003\000\011\000\000\000\001\000\001a\377\377\177xxxxxxxxx") },
	{ "field", STR("\000\000\000\027\000\003\000\011\000\000\000\001\000\001a\001\001\177xxxxxxxxx") },
};
/* After one Heartbeat with the number 1. */
static const struct wrong wrong_answers[] = {
	{ "size", STR("\000\000\000\003\000\000\000\001") },
	{ "size", STR("\177\377\377\377\000\000\000\001") },
	{ "size", STR("\200\000\000\000\000\000\000\001") },
	{ "correlation-id", STR("\000\000\000\020\000\000\000\002\000\000\000\000\000\000\000\000\000\000\000\000") },
	{ "field", STR("\000\000\000\011\000\000\000\001\000\000\000\000\000") },
	{ "field", STR("\000\000\000\004\000\000\000\001") },
};
#define HEARTBEAT "\000\000\000\031\000\014\000\003\000\000\000\001\000\003app\000\001g\000\000\000\001\000" 		"\001m\377\377"
/* The next one, and its answer. */
#define NEXT   "\000\000\000\031\000\014\000\003\000\000\000\002\000\003app\000\001g\000\000\000\001\000\001m\377\377"
#define ANSWER "\000\000\000\012\000\000\000\002\000\000\000\000\000\000"

static const uint16_t ports[] = { 35681, 41455, 44287, 36333, 9092, 0 };
#define DIR "test/captures/l7/kafka/"

static const char *const librdkafka[] = {
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=37 resp=21 code=35 agent=shop\n"
	"kafka ApiVersions - NONE ok req=18 resp=116 code=0 agent=shop\n"
	"kafka Metadata orders NONE ok req=30 resp=291 items=4 code=0 agent=shop\n",
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=39 resp=21 code=35 agent=lister\n"
	"kafka ApiVersions - NONE ok req=20 resp=116 code=0 agent=lister\n"
	"kafka Metadata - NONE ok req=24 resp=108 code=0 agent=lister\n"
	"kafka Metadata - NONE ok req=24 resp=291 items=4 code=0 agent=lister\n",
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=38 resp=21 code=35 agent=acks0\n"
	"kafka ApiVersions - NONE ok req=19 resp=116 code=0 agent=acks0\n"
	"kafka Metadata - NONE ok req=23 resp=108 code=0 agent=acks0\n"
	"kafka Metadata payments NONE ok req=33 resp=293 items=4 code=0 agent=acks0\n"
	"kafka Produce payments - unknown req=122 resp=0 items=1 agent=acks0 flags=oneway\n",
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=37 resp=21 code=35 agent=idem\n"
	"kafka ApiVersions - NONE ok req=18 resp=116 code=0 agent=idem\n"
	"kafka Metadata payments NONE ok req=32 resp=293 items=4 code=0 agent=idem\n"
	"kafka InitProducerId - NONE ok req=35 resp=26 code=0 agent=idem\n"
	"kafka Produce payments NONE ok req=121 resp=60 items=1 code=0 agent=idem\n",
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=39 resp=21 code=35 agent=reader\n"
	"kafka ApiVersions - NONE ok req=20 resp=116 code=0 agent=reader\n"
	"kafka Metadata orders NONE ok req=32 resp=291 items=4 code=0 agent=reader\n"
	"kafka Metadata orders NONE ok req=32 resp=291 items=4 code=0 agent=reader\n"
	"kafka ListOffsets orders NONE ok req=53 resp=50 items=1 code=0 agent=reader\n"
	"kafka Fetch orders NONE ok req=95 resp=76 items=1 code=0 agent=reader\n"
	"kafka Fetch orders - unknown req=95 resp=0 agent=reader flags=unanswered\n",
	"kafka ApiVersions - UNSUPPORTED_VERSION error req=42 resp=21 code=35 agent=billing-1\n"
	"kafka ApiVersions - NONE ok req=23 resp=116 code=0 agent=billing-1\n"
	"kafka Metadata - NONE ok req=27 resp=108 code=0 agent=billing-1\n"
	"kafka FindCoordinator billing NONE ok req=33 resp=35 code=0 agent=billing-1\n"
	"kafka FindCoordinator billing NONE ok req=33 resp=35 code=0 agent=billing-1\n"
	"kafka Metadata \"orders +1\" NONE ok req=45 resp=476 items=8 code=0 agent=billing-1\n"
	"kafka ListOffsets payments NONE ok req=58 resp=52 items=1 code=0 agent=billing-1\n"
	"kafka ListOffsets orders NONE ok req=56 resp=50 items=1 code=0 agent=billing-1\n"
	"kafka Fetch payments NONE ok req=100 resp=147 items=1 code=0 agent=billing-1\n"
	"kafka Fetch payments NONE ok req=100 resp=147 items=1 code=0 agent=billing-1\n"
	"kafka Fetch payments NONE ok req=100 resp=78 items=1 code=0 agent=billing-1\n"
	"kafka Fetch \"payments +1\" NONE ok req=140 resp=132 items=2 code=0 agent=billing-1\n"
	"kafka Fetch \"orders +1\" - unknown req=140 resp=0 agent=billing-1 flags=unanswered\n"
	"kafka Metadata \"orders +1\" - unknown req=45 resp=0 agent=billing-1 flags=unanswered\n",
};
static const struct { const char *path, *golden; } others[] = {
	{ DIR "00-produce-v7-sw8.pcap",
	  "kafka Produce quickstart-events NONE ok req=312 resp=69 items=1 code=0 agent=kafka-python-producer-1 flags=midway\n" },
	{ DIR "01-fetch-v12-ok.pcap",
	  "kafka Fetch zqy-test NONE ok req=120 resp=21 code=0 agent=consumer-console-consumer-8919-1 flags=midway\n" },
	{ DIR "01-fetch-v12-unknown.pcap",
	  "kafka Fetch - 5120 error req=77 resp=21 agent=consumer-console-consumer-84107-1 flags=midway\n" },
	{ DIR "13-leave-group-v4.pcap",
	  "kafka LeaveGroup zzzz12 NONE ok req=98 resp=76 code=0 agent=consumer-zzzz12-1 flags=midway\n" },
	{ DIR "18-api-versions-v3.pcap",
	  "kafka ApiVersions - NONE ok req=53 resp=439 code=0 agent=adminclient-1 flags=midway\n" },
};
/* clang-format on */

static void captures(void **state)
{
	(void)state;
	capture_check(DIR "librdkafka-2.0.2.pcap", ports, &proto_kafka,
		      &(const struct feed_opts){ 0 }, librdkafka,
		      sizeof(librdkafka) / sizeof(*librdkafka));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		capture_check(others[i].path, ports, &proto_kafka,
			      &(const struct feed_opts){ .midway = true }, &others[i].golden, 1);
}

static void definitions(void **state)
{
	(void)state;
	FEED_CHECK(
		&proto_kafka, produce_v11,
		"kafka Produce \"v_Name +1\" UNKNOWN_TOPIC_OR_PARTITION error req=369 resp=554 code=3 agent=cl error=v_BatchIndexErrorMessage\n");
	FEED_CHECK(
		&proto_kafka, fetch_v17,
		"kafka Fetch \"AQIDBAUGBwgJCgsMDQ4PEA +1\" UNKNOWN_TOPIC_OR_PARTITION error req=375 resp=834 items=4 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, metadata_v12,
		"kafka Metadata \"AQIDBAUGBwgJCgsMDQ4PEA +2\" UNKNOWN_TOPIC_OR_PARTITION error req=73 resp=310 items=4 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, offset_fetch_v8,
		"kafka OffsetFetch \"v_GroupId +1\" UNKNOWN_TOPIC_OR_PARTITION error req=116 resp=319 items=8 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, find_coordinator_v4,
		"kafka FindCoordinator \"v_CoordinatorKeys +1\" UNKNOWN_TOPIC_OR_PARTITION error req=60 resp=93 code=3 agent=cl error=v_ErrorMessage\n");
	FEED_CHECK(
		&proto_kafka, leave_group_v5,
		"kafka LeaveGroup v_GroupId UNKNOWN_TOPIC_OR_PARTITION error req=111 resp=81 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, describe_groups_v5,
		"kafka DescribeGroups \"v_Groups +1\" UNKNOWN_TOPIC_OR_PARTITION error req=42 resp=921 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, create_topics_v7,
		"kafka CreateTopics \"v_Name +1\" UNKNOWN_TOPIC_OR_PARTITION error req=180 resp=195 code=3 agent=cl error=v_ErrorMessage\n");
	FEED_CHECK(
		&proto_kafka, delete_topics_v6,
		"kafka DeleteTopics \"v_Name +1\" UNKNOWN_TOPIC_OR_PARTITION error req=75 resp=97 code=3 agent=cl error=v_ErrorMessage\n");
	FEED_CHECK(
		&proto_kafka, add_partitions_to_txn_v4,
		"kafka AddPartitionsToTxn \"v_TransactionalId +1\" UNKNOWN_TOPIC_OR_PARTITION error req=153 resp=149 items=8 code=3 agent=cl\n");
	FEED_CHECK(
		&proto_kafka, sasl_authenticate_v2,
		"kafka SaslAuthenticate - UNKNOWN_TOPIC_OR_PARTITION error req=93 resp=106 code=3 agent=cl error=v_ErrorMessage\n");
}

static void conversations(void **state)
{
	(void)state;
	FEED_CHECK(
		&proto_kafka, learned,
		"kafka Metadata orders NONE ok req=46 resp=53 code=0 agent=app\n"
		"kafka Fetch \"orders +1\" NONE ok req=83 resp=21 code=0 agent=app\n"
		"kafka Fetch orders OFFSET_OUT_OF_RANGE error req=47 resp=76 items=1 code=1 agent=app\n");
	FEED_CHECK(
		&proto_kafka, sendfile,
		"kafka Fetch logs NOT_LEADER_OR_FOLLOWER error req=118 resp=150116 items=2 code=6 agent=app\n"
		"kafka Fetch logs FETCH_SESSION_ID_NOT_FOUND error req=118 resp=22 code=70 agent=app\n");
	FEED_CHECK(
		&proto_kafka, produce,
		"kafka Produce orders - unknown req=141 resp=0 items=3 agent=shop text=orders/2 flags=oneway\n"
		"kafka Produce orders NONE ok req=141 resp=58 items=3 code=0 agent=shop text=orders/2\n"
		"kafka Produce orders REQUEST_TIMED_OUT error req=141 resp=58 items=3 code=7 agent=shop text=orders/2\n"
		"kafka Produce orders 200 error req=300050 resp=58 items=3 agent=shop text=orders/2\n"
		"kafka Produce - - unknown req=19 resp=16\n",
		.raw = true);
	FEED_CHECK(&proto_kafka, answers_lost,
		   "kafka Heartbeat g - unknown req=29 resp=14 lost=19 agent=app flags=lost\n"
		   "kafka Heartbeat g - unknown req=29 resp=0 agent=app flags=lost,unanswered\n"
		   "kafka Heartbeat g REBALANCE_IN_PROGRESS error req=29 resp=14 code=27 agent=app\n"
		   "kafka Heartbeat g NONE ok req=29 resp=14 code=0 agent=app\n",
		   .once = true);
	FEED_CHECK(&proto_kafka, requests_lost,
		   "kafka Heartbeat g NONE ok req=29 resp=14 code=0 agent=app\n"
		   "kafka Heartbeat g NONE ok req=29 resp=14 code=0 agent=app\n"
		   "kafka Heartbeat g NONE ok req=29 resp=14 code=0 agent=app\n",
		   .once = true);
	FEED_CHECK(&proto_kafka, midway,
		   "! size\n"
		   "kafka Heartbeat g UNKNOWN_MEMBER_ID error req=29 resp=14 code=25 agent=app flags=midway\n",
		   .midway = true, .once = true);
	FEED_CHECK(
		&proto_kafka, sasl,
		"kafka SaslHandshake PLAIN NONE ok req=24 resp=21 code=0 agent=app\n"
		"kafka SaslAuthenticate - SASL_AUTHENTICATION_FAILED error req=32 resp=37 code=58 agent=app error=\"Authentication failed\"\n");
}

/* The reason, and that the connection goes on. */
static void hostile_one(const struct wrong *w, struct feed *items, size_t n)
{
	const struct feed_opts o = { 0 };
	struct feed_run f;
	struct str got = feed_begin(&f, &proto_kafka, &o, items, n, &(struct feed_cut){ 0 });
	char want[64];

	snprintf(want, sizeof(want), "! %s\n", w->reason);
	if (!str_contains(got, str_of(want))) {
		print_error("%s, not %s", got.p ? got.p : "nothing", want);
		fail();
	}
	if (!str_contains(got, STR("Heartbeat g NONE ok"))) {
		print_error("nothing goes on after this: %.*s", STR_ARG(got));
		fail();
	}
	feed_end(&f);
	for (size_t at = 1; at < feed_total(items, n); at++)
		feed_try(&proto_kafka, &o, items, n, (struct feed_cut){ .stop = at });
}

static void hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_requests) / sizeof(*wrong_requests); i++) {
		struct feed items[] = { { PROTO_TO_SERVER, wrong_requests[i].bytes, 0 },
					CLIENT(NEXT),
					SERVER(ANSWER) };

		hostile_one(&wrong_requests[i], items, 3);
	}
	for (size_t i = 0; i < sizeof(wrong_answers) / sizeof(*wrong_answers); i++) {
		struct feed items[] = { CLIENT(HEARTBEAT),
					{ PROTO_TO_CLIENT, wrong_answers[i].bytes, 0 },
					CLIENT(NEXT),
					SERVER(ANSWER) };

		hostile_one(&wrong_answers[i], items, 4);
	}
}

static enum proto_guess guess(struct str s, bool usual)
{
	return proto_kafka.guess(s, usual);
}

static void guesses(void **state)
{
	(void)state;
	assert_int_equal(guess(STR(HEARTBEAT), false), GUESS_REQUEST);
	assert_int_equal(guess((struct str){ HEARTBEAT, 6 }, false), GUESS_MORE);
	/* An answer: a length and a number. */
	assert_int_equal(guess(answers_lost[3].bytes, false), GUESS_NO);
	assert_int_equal(guess(answers_lost[3].bytes, true), GUESS_RESPONSE);
	/* Others: HTTP, Redis, TLS, PostgreSQL's start, MongoDB, CQL, AMQP, MySQL's greeting. */
	assert_int_equal(guess(STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), true), GUESS_NO);
	assert_int_equal(guess(STR("*1\r\n$4\r\nPING\r\n"), true), GUESS_NO);
	assert_int_equal(guess(STR("\026\003\001\002\000\001\000\001\374\003\003abcdef"), true),
			 GUESS_NO);
	assert_int_equal(guess(STR("\0\0\0\020\0\003\0\0user\0me\0\0"), false), GUESS_NO);
	assert_int_equal(guess(STR("\0\0\0\010\004\322\026\057"), false), GUESS_NO);
	assert_int_equal(guess(STR("\072\0\0\0\001\0\0\0\0\0\0\0\335\007\0\0\0\0\0\0"), false),
			 GUESS_NO);
	assert_int_equal(guess(STR("\004\0\0\0\005\0\0\0\0"), false), GUESS_NO);
	assert_int_equal(guess(STR("AMQP\0\0\011\001"), true), GUESS_NO);
	assert_int_equal(guess(STR("\112\0\0\0\0128.0.32\0\020\0\0\0abcdefgh\0"), false), GUESS_NO);
}

static void tables(void **state)
{
	(void)state;
	for (uint16_t i = 0; i <= 92; i++)
		assert_int_equal(kafka_api_find(i)->key, i);
	assert_null(kafka_api_find(93));
	assert_string_equal(kafka_error_name(-1), "UNKNOWN_SERVER_ERROR");
	assert_string_equal(kafka_error_name(0), "NONE");
	assert_string_equal(kafka_error_name(79), "MEMBER_ID_REQUIRED");
	assert_string_equal(kafka_error_name(128), "INVALID_REGULAR_EXPRESSION");
	assert_null(kafka_error_name(134));
	assert_null(kafka_error_name(-2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures),	 cmocka_unit_test(definitions),
		cmocka_unit_test(conversations), cmocka_unit_test(hostile),
		cmocka_unit_test(guesses),	 cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
