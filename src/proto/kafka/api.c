/* Kafka's calls and errors: tables. See api.h. */
#include "proto/kafka/api.h"

#include <stddef.h>

#define ALL   0, 255
#define N(a)  sizeof(a) / sizeof(*(a))
#define FIELD static const struct kafka_field

/* clang-format off */
/* TYPE(meaning, first version, last version) */
#define I8(m, v)	{ KAFKA_INT8, KAFKA_##m, v }
#define I16(m, v)	{ KAFKA_INT16, KAFKA_##m, v }
#define I32(m, v)	{ KAFKA_INT32, KAFKA_##m, v }
#define I64(m, v)	{ KAFKA_INT64, KAFKA_##m, v }
#define UUID(v)		{ KAFKA_UUID, KAFKA_TOPIC_ID, v }
#define STRING(m, v)	{ KAFKA_STRING, KAFKA_##m, v }
#define BYTES(v)	{ KAFKA_BYTES, KAFKA_PASS, v }
#define RECORDS(v)	{ KAFKA_RECORDS, KAFKA_COUNT, v }
#define ARRAY(v)	{ KAFKA_ARRAY, KAFKA_PASS, v }
#define LIST(v)		{ KAFKA_LIST, KAFKA_PASS, v }
#define CLOSE		{ KAFKA_CLOSE, KAFKA_PASS, ALL }
#define STOP		{ KAFKA_STOP, KAFKA_PASS, ALL }
#define FROM(n)		n, 255
#define TO(n)		0, n
#define IN(a, b)	a, b
#define THROTTLE(n)	I32(PASS, FROM(n))

FIELD produce[] = {
	STRING(PASS, FROM(3)), I16(ACKS, ALL), I32(PASS, ALL),
	ARRAY(ALL), STRING(NAME, TO(12)), UUID(FROM(13)),
		ARRAY(ALL), I32(PARTITION, ALL), RECORDS(ALL), CLOSE,
	CLOSE, STOP,
};
FIELD produce_answer[] = {
	ARRAY(ALL), STRING(NAME, TO(12)), UUID(FROM(13)),
		ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), I64(PASS, ALL), I64(PASS, FROM(2)), I64(PASS, FROM(5)),
			ARRAY(FROM(8)), I32(PASS, ALL), STRING(MESSAGE, ALL), CLOSE,
			STRING(MESSAGE, FROM(8)), CLOSE,
	CLOSE, STOP,
};
FIELD fetch[] = {
	I32(PASS, TO(14)), I32(PASS, ALL), I32(PASS, ALL), I32(PASS, FROM(3)), I8(PASS, FROM(4)), I32(PASS, FROM(7)),
	I32(PASS, FROM(7)),
	ARRAY(ALL), STRING(NAME, TO(12)), UUID(FROM(13)),
		ARRAY(ALL), I32(PARTITION, ALL), I32(PASS, FROM(9)), I64(PASS, ALL), I32(PASS, FROM(12)), I64(PASS, FROM(5)),
			I32(PASS, ALL), CLOSE,
	CLOSE, STOP,
};
FIELD fetch_answer[] = {
	THROTTLE(1), I16(ERROR, FROM(7)), I32(PASS, FROM(7)),
	ARRAY(ALL), STRING(NAME, TO(12)), UUID(FROM(13)),
		ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), I64(PASS, ALL), I64(PASS, FROM(4)), I64(PASS, FROM(5)),
			ARRAY(FROM(4)), I64(PASS, ALL), I64(PASS, ALL), CLOSE,
			I32(PASS, FROM(11)), BYTES(ALL), CLOSE,
	CLOSE, STOP,
};
FIELD list_offsets[] = {
	I32(PASS, ALL), I8(PASS, FROM(2)),
	ARRAY(ALL), STRING(NAME, ALL),
		ARRAY(ALL), I32(PARTITION, ALL), I32(PASS, FROM(4)), I64(PASS, ALL), I32(PASS, TO(0)), CLOSE,
	CLOSE, STOP,
};
FIELD list_offsets_answer[] = {
	THROTTLE(2),
	ARRAY(ALL), STRING(NAME, ALL),
		ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), LIST(TO(0)), I64(PASS, ALL), CLOSE, I64(PASS, FROM(1)),
			I64(PASS, FROM(1)), I32(PASS, FROM(4)), CLOSE,
	CLOSE, STOP,
};
FIELD metadata[] = {
	ARRAY(ALL), UUID(FROM(10)), STRING(NAME, ALL), CLOSE, STOP,
};
FIELD metadata_answer[] = {
	THROTTLE(3),
	ARRAY(ALL), I32(PASS, ALL), STRING(PASS, ALL), I32(PASS, ALL), STRING(PASS, FROM(1)), CLOSE,
	STRING(PASS, FROM(2)), I32(PASS, FROM(1)),
	ARRAY(ALL), I16(ERROR, ALL), STRING(NAME, ALL), UUID(FROM(10)), I8(PASS, FROM(1)),
		ARRAY(ALL), I16(ERROR, ALL), I32(PARTITION, ALL), I32(PASS, ALL), I32(PASS, FROM(7)),
			LIST(ALL), I32(PASS, ALL), CLOSE, LIST(ALL), I32(PASS, ALL), CLOSE,
			LIST(FROM(5)), I32(PASS, ALL), CLOSE, CLOSE,
		I32(PASS, FROM(8)), CLOSE,
	I32(PASS, IN(8, 10)), I16(ERROR, FROM(13)), STOP,
};
FIELD offset_commit[] = {
	STRING(NAME, ALL), STOP,
};
FIELD offset_commit_answer[] = {
	THROTTLE(3),
	ARRAY(ALL), STRING(PASS, TO(9)), UUID(FROM(10)),
		ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), CLOSE,
	CLOSE, STOP,
};
FIELD offset_fetch[] = {
	STRING(NAME, TO(7)), ARRAY(TO(7)), STRING(PASS, ALL), LIST(ALL), I32(PASS, ALL), CLOSE, CLOSE,
	ARRAY(FROM(8)), STRING(NAME, ALL), STRING(PASS, FROM(9)), I32(PASS, FROM(9)),
		ARRAY(ALL), STRING(PASS, TO(9)), UUID(FROM(10)), LIST(ALL), I32(PASS, ALL), CLOSE, CLOSE,
	CLOSE, STOP,
};
FIELD offset_fetch_answer[] = {
	THROTTLE(3),
	ARRAY(TO(7)), STRING(PASS, ALL),
		ARRAY(ALL), I32(PARTITION, ALL), I64(PASS, ALL), I32(PASS, FROM(5)), STRING(PASS, ALL), I16(ERROR, ALL), CLOSE,
	CLOSE,
	I16(ERROR, IN(2, 7)),
	ARRAY(FROM(8)), STRING(PASS, ALL),
		ARRAY(ALL), STRING(PASS, TO(9)), UUID(FROM(10)),
			ARRAY(ALL), I32(PARTITION, ALL), I64(PASS, ALL), I32(PASS, ALL), STRING(PASS, ALL), I16(ERROR, ALL), CLOSE,
		CLOSE,
		I16(ERROR, ALL), CLOSE,
	STOP,
};
FIELD find_coordinator[] = {
	STRING(NAME, TO(3)), I8(PASS, FROM(1)), LIST(FROM(4)), STRING(NAME, ALL), CLOSE, STOP,
};
FIELD find_coordinator_answer[] = {
	THROTTLE(1), I16(ERROR, TO(3)), STRING(MESSAGE, IN(1, 3)), I32(PASS, TO(3)), STRING(PASS, TO(3)), I32(PASS, TO(3)),
	ARRAY(FROM(4)), STRING(PASS, ALL), I32(PASS, ALL), STRING(PASS, ALL), I32(PASS, ALL), I16(ERROR, ALL),
		STRING(MESSAGE, ALL), CLOSE,
	STOP,
};
/* Begin with the name of a group, a transaction, a mechanism. */
FIELD named[] = { STRING(NAME, ALL), STOP };
FIELD nothing[] = { STOP };
FIELD error_answer[] = { I16(ERROR, ALL), STOP };
FIELD error_message_answer[] = { I16(ERROR, ALL), STRING(MESSAGE, ALL), STOP };
FIELD throttle_error_answer[] = { THROTTLE(0), I16(ERROR, ALL), STOP };
FIELD throttle1_error_answer[] = { THROTTLE(1), I16(ERROR, ALL), STOP };
FIELD throttle2_error_answer[] = { THROTTLE(2), I16(ERROR, ALL), STOP };
FIELD throttle_error_message_answer[] = { THROTTLE(0), I16(ERROR, ALL), STRING(MESSAGE, ALL), STOP };
FIELD leave_group_answer[] = {
	THROTTLE(1), I16(ERROR, ALL),
	ARRAY(FROM(3)), STRING(PASS, ALL), STRING(PASS, ALL), I16(ERROR, ALL), CLOSE, STOP,
};
FIELD create_topics[] = {
	ARRAY(ALL), STRING(NAME, ALL), I32(PASS, ALL), I16(PASS, ALL),
		ARRAY(ALL), I32(PASS, ALL), LIST(ALL), I32(PASS, ALL), CLOSE, CLOSE,
		ARRAY(ALL), STRING(PASS, ALL), STRING(PASS, ALL), CLOSE, CLOSE,
	STOP,
};
FIELD create_topics_answer[] = {
	THROTTLE(2),
	ARRAY(ALL), STRING(NAME, ALL), UUID(FROM(7)), I16(ERROR, ALL), STRING(MESSAGE, FROM(1)), I32(PASS, FROM(5)),
		I16(PASS, FROM(5)),
		ARRAY(FROM(5)), STRING(PASS, ALL), STRING(PASS, ALL), I8(PASS, ALL), I8(PASS, ALL), I8(PASS, ALL), CLOSE, CLOSE,
	STOP,
};
FIELD delete_topics[] = {
	ARRAY(FROM(6)), STRING(NAME, ALL), UUID(ALL), CLOSE, LIST(TO(5)), STRING(NAME, ALL), CLOSE, STOP,
};
FIELD delete_topics_answer[] = {
	THROTTLE(1),
	ARRAY(ALL), STRING(NAME, ALL), UUID(FROM(6)), I16(ERROR, ALL), STRING(MESSAGE, FROM(5)), CLOSE, STOP,
};
FIELD add_partitions_to_txn[] = {
	ARRAY(FROM(4)), STRING(NAME, ALL), I64(PASS, ALL), I16(PASS, ALL), I8(PASS, ALL),
		ARRAY(ALL), STRING(PASS, ALL), LIST(ALL), I32(PASS, ALL), CLOSE, CLOSE, CLOSE,
	STRING(NAME, TO(3)), STOP,
};
FIELD add_partitions_to_txn_answer[] = {
	THROTTLE(0), I16(ERROR, FROM(4)),
	ARRAY(FROM(4)), STRING(PASS, ALL),
		ARRAY(ALL), STRING(PASS, ALL), ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), CLOSE, CLOSE, CLOSE,
	ARRAY(TO(3)), STRING(PASS, ALL), ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), CLOSE, CLOSE,
	STOP,
};
FIELD txn_offset_commit[] = { STRING(PASS, ALL), STRING(NAME, ALL), STOP };
FIELD txn_offset_commit_answer[] = {
	THROTTLE(0),
	ARRAY(ALL), STRING(PASS, ALL), ARRAY(ALL), I32(PARTITION, ALL), I16(ERROR, ALL), CLOSE, CLOSE, STOP,
};
FIELD leader_epoch[] = {
	I32(PASS, FROM(3)),
	ARRAY(ALL), STRING(NAME, ALL),
		ARRAY(ALL), I32(PARTITION, ALL), I32(PASS, FROM(2)), I32(PASS, ALL), CLOSE, CLOSE, STOP,
};
FIELD leader_epoch_answer[] = {
	THROTTLE(2),
	ARRAY(ALL), STRING(NAME, ALL),
		ARRAY(ALL), I16(ERROR, ALL), I32(PARTITION, ALL), I32(PASS, FROM(1)), I64(PASS, ALL), CLOSE, CLOSE, STOP,
};
FIELD name_list[] = { LIST(ALL), STRING(NAME, ALL), CLOSE, STOP };
FIELD delete_groups_answer[] = {
	THROTTLE(0), ARRAY(ALL), STRING(PASS, ALL), I16(ERROR, ALL), CLOSE, STOP,
};
FIELD describe_groups_answer[] = {
	THROTTLE(1),
	ARRAY(ALL), I16(ERROR, ALL), STRING(PASS, ALL), STRING(PASS, ALL), STRING(PASS, ALL), STRING(PASS, ALL),
		ARRAY(ALL), STRING(PASS, ALL), STRING(PASS, FROM(4)), STRING(PASS, ALL), STRING(PASS, ALL), BYTES(ALL), BYTES(ALL),
			CLOSE,
		I32(PASS, FROM(3)), CLOSE,
	STOP,
};

/* In order of the number, none missing. */
static const struct kafka_api apis[] = {
	{ 0, 9, 13, "Produce", produce, produce_answer },
	{ 1, 12, 18, "Fetch", fetch, fetch_answer },
	{ 2, 6, 11, "ListOffsets", list_offsets, list_offsets_answer },
	{ 3, 9, 13, "Metadata", metadata, metadata_answer },
	{ 4, 4, 7, "LeaderAndIsr", NULL, NULL },
	{ 5, 2, 4, "StopReplica", NULL, NULL },
	{ 6, 6, 8, "UpdateMetadata", NULL, NULL },
	{ 7, 3, 3, "ControlledShutdown", NULL, error_answer },
	{ 8, 8, 10, "OffsetCommit", offset_commit, offset_commit_answer },
	{ 9, 6, 10, "OffsetFetch", offset_fetch, offset_fetch_answer },
	{ 10, 3, 6, "FindCoordinator", find_coordinator, find_coordinator_answer },
	{ 11, 6, 9, "JoinGroup", named, throttle2_error_answer },
	{ 12, 4, 4, "Heartbeat", named, throttle1_error_answer },
	{ 13, 4, 5, "LeaveGroup", named, leave_group_answer },
	{ 14, 4, 5, "SyncGroup", named, throttle1_error_answer },
	{ 15, 5, 5, "DescribeGroups", name_list, describe_groups_answer },
	{ 16, 3, 5, "ListGroups", NULL, throttle1_error_answer },
	{ 17, KAFKA_NEVER, 1, "SaslHandshake", named, error_answer },
	{ 18, 3, 4, "ApiVersions", nothing, error_answer },
	{ 19, 5, 7, "CreateTopics", create_topics, create_topics_answer },
	{ 20, 4, 6, "DeleteTopics", delete_topics, delete_topics_answer },
	{ 21, 2, 2, "DeleteRecords", NULL, NULL },
	{ 22, 2, 6, "InitProducerId", named, throttle_error_answer },
	{ 23, 4, 4, "OffsetForLeaderEpoch", leader_epoch, leader_epoch_answer },
	{ 24, 3, 5, "AddPartitionsToTxn", add_partitions_to_txn, add_partitions_to_txn_answer },
	{ 25, 3, 4, "AddOffsetsToTxn", named, throttle_error_answer },
	{ 26, 3, 5, "EndTxn", named, throttle_error_answer },
	{ 27, 1, 2, "WriteTxnMarkers", NULL, NULL },
	{ 28, 3, 5, "TxnOffsetCommit", txn_offset_commit, txn_offset_commit_answer },
	{ 29, 2, 3, "DescribeAcls", NULL, throttle_error_message_answer },
	{ 30, 2, 3, "CreateAcls", NULL, NULL },
	{ 31, 2, 3, "DeleteAcls", NULL, NULL },
	{ 32, 4, 4, "DescribeConfigs", NULL, NULL },
	{ 33, 2, 2, "AlterConfigs", NULL, NULL },
	{ 34, 2, 2, "AlterReplicaLogDirs", NULL, NULL },
	{ 35, 2, 4, "DescribeLogDirs", NULL, NULL },
	{ 36, 2, 2, "SaslAuthenticate", nothing, error_message_answer },
	{ 37, 2, 3, "CreatePartitions", NULL, NULL },
	{ 38, 2, 3, "CreateDelegationToken", NULL, error_answer },
	{ 39, 2, 2, "RenewDelegationToken", NULL, error_answer },
	{ 40, 2, 2, "ExpireDelegationToken", NULL, error_answer },
	{ 41, 2, 3, "DescribeDelegationToken", NULL, error_answer },
	{ 42, 2, 2, "DeleteGroups", name_list, delete_groups_answer },
	{ 43, 2, 2, "ElectLeaders", NULL, NULL },
	{ 44, 1, 1, "IncrementalAlterConfigs", NULL, NULL },
	{ 45, 0, 1, "AlterPartitionReassignments", NULL, NULL },
	{ 46, 0, 0, "ListPartitionReassignments", NULL, throttle_error_message_answer },
	{ 47, KAFKA_NEVER, 0, "OffsetDelete", named, error_answer },
	{ 48, 1, 1, "DescribeClientQuotas", NULL, throttle_error_message_answer },
	{ 49, 1, 1, "AlterClientQuotas", NULL, NULL },
	{ 50, 0, 0, "DescribeUserScramCredentials", NULL, throttle_error_message_answer },
	{ 51, 0, 0, "AlterUserScramCredentials", NULL, NULL },
	{ 52, 0, 2, "Vote", NULL, error_answer },
	{ 53, 1, 1, "BeginQuorumEpoch", NULL, error_answer },
	{ 54, 1, 1, "EndQuorumEpoch", NULL, error_answer },
	{ 55, 0, 2, "DescribeQuorum", NULL, error_answer },
	{ 56, 0, 3, "AlterPartition", NULL, throttle_error_answer },
	{ 57, 0, 2, "UpdateFeatures", NULL, throttle_error_message_answer },
	{ 58, 0, 0, "Envelope", NULL, NULL },
	{ 59, 0, 1, "FetchSnapshot", NULL, throttle_error_answer },
	{ 60, 0, 2, "DescribeCluster", NULL, throttle_error_message_answer },
	{ 61, 0, 0, "DescribeProducers", NULL, NULL },
	{ 62, 0, 4, "BrokerRegistration", NULL, throttle_error_answer },
	{ 63, 0, 1, "BrokerHeartbeat", NULL, throttle_error_answer },
	{ 64, 0, 0, "UnregisterBroker", NULL, throttle_error_message_answer },
	{ 65, 0, 0, "DescribeTransactions", name_list, NULL },
	{ 66, 0, 2, "ListTransactions", NULL, throttle_error_answer },
	{ 67, 0, 0, "AllocateProducerIds", NULL, throttle_error_answer },
	{ 68, 0, 1, "ConsumerGroupHeartbeat", named, throttle_error_message_answer },
	{ 69, 0, 1, "ConsumerGroupDescribe", name_list, NULL },
	{ 70, 0, 0, "ControllerRegistration", NULL, throttle_error_message_answer },
	{ 71, 0, 0, "GetTelemetrySubscriptions", NULL, throttle_error_answer },
	{ 72, 0, 0, "PushTelemetry", NULL, throttle_error_answer },
	{ 73, 0, 0, "AssignReplicasToDirs", NULL, throttle_error_answer },
	{ 74, 0, 1, "ListConfigResources", NULL, throttle_error_answer },
	{ 75, 0, 0, "DescribeTopicPartitions", NULL, NULL },
	{ 76, 0, 1, "ShareGroupHeartbeat", named, throttle_error_message_answer },
	{ 77, 0, 1, "ShareGroupDescribe", name_list, NULL },
	{ 78, 0, 1, "ShareFetch", named, throttle_error_message_answer },
	{ 79, 0, 1, "ShareAcknowledge", named, throttle_error_message_answer },
	{ 80, 0, 1, "AddRaftVoter", NULL, throttle_error_message_answer },
	{ 81, 0, 0, "RemoveRaftVoter", NULL, throttle_error_message_answer },
	{ 82, 0, 0, "UpdateRaftVoter", NULL, throttle_error_answer },
	{ 83, 0, 0, "InitializeShareGroupState", named, NULL },
	{ 84, 0, 0, "ReadShareGroupState", named, NULL },
	{ 85, 0, 0, "WriteShareGroupState", named, NULL },
	{ 86, 0, 0, "DeleteShareGroupState", named, NULL },
	{ 87, 0, 0, "ReadShareGroupStateSummary", named, NULL },
	{ 88, 0, 0, "StreamsGroupHeartbeat", named, throttle_error_message_answer },
	{ 89, 0, 0, "StreamsGroupDescribe", name_list, NULL },
	{ 90, 0, 0, "DescribeShareGroupOffsets", NULL, NULL },
	{ 91, 0, 0, "AlterShareGroupOffsets", named, NULL },
	{ 92, 0, 0, "DeleteShareGroupOffsets", named, NULL },
};

/* From -1 on. */
static const char *const errors[] = {
	"UNKNOWN_SERVER_ERROR", "NONE", "OFFSET_OUT_OF_RANGE", "CORRUPT_MESSAGE", "UNKNOWN_TOPIC_OR_PARTITION",
	"INVALID_FETCH_SIZE", "LEADER_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT",
	"BROKER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE", "MESSAGE_TOO_LARGE", "STALE_CONTROLLER_EPOCH",
	"OFFSET_METADATA_TOO_LARGE", "NETWORK_EXCEPTION", "COORDINATOR_LOAD_IN_PROGRESS",
	"COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "INVALID_TOPIC_EXCEPTION", "RECORD_LIST_TOO_LARGE",
	"NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "INVALID_REQUIRED_ACKS",
	"ILLEGAL_GENERATION", "INCONSISTENT_GROUP_PROTOCOL", "INVALID_GROUP_ID", "UNKNOWN_MEMBER_ID",
	"INVALID_SESSION_TIMEOUT", "REBALANCE_IN_PROGRESS", "INVALID_COMMIT_OFFSET_SIZE",
	"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
	"INVALID_TIMESTAMP", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE", "UNSUPPORTED_VERSION",
	"TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS", "INVALID_REPLICATION_FACTOR",
	"INVALID_REPLICA_ASSIGNMENT", "INVALID_CONFIG", "NOT_CONTROLLER", "INVALID_REQUEST",
	"UNSUPPORTED_FOR_MESSAGE_FORMAT", "POLICY_VIOLATION", "OUT_OF_ORDER_SEQUENCE_NUMBER",
	"DUPLICATE_SEQUENCE_NUMBER", "INVALID_PRODUCER_EPOCH", "INVALID_TXN_STATE",
	"INVALID_PRODUCER_ID_MAPPING", "INVALID_TRANSACTION_TIMEOUT", "CONCURRENT_TRANSACTIONS",
	"TRANSACTION_COORDINATOR_FENCED", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "SECURITY_DISABLED",
	"OPERATION_NOT_ATTEMPTED", "KAFKA_STORAGE_ERROR", "LOG_DIR_NOT_FOUND", "SASL_AUTHENTICATION_FAILED",
	"UNKNOWN_PRODUCER_ID", "REASSIGNMENT_IN_PROGRESS", "DELEGATION_TOKEN_AUTH_DISABLED",
	"DELEGATION_TOKEN_NOT_FOUND", "DELEGATION_TOKEN_OWNER_MISMATCH",
	"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
	"DELEGATION_TOKEN_EXPIRED", "INVALID_PRINCIPAL_TYPE", "NON_EMPTY_GROUP", "GROUP_ID_NOT_FOUND",
	"FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH", "LISTENER_NOT_FOUND",
	"TOPIC_DELETION_DISABLED", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH",
	"UNSUPPORTED_COMPRESSION_TYPE", "STALE_BROKER_EPOCH", "OFFSET_NOT_AVAILABLE", "MEMBER_ID_REQUIRED",
	"PREFERRED_LEADER_NOT_AVAILABLE", "GROUP_MAX_SIZE_REACHED", "FENCED_INSTANCE_ID",
	"ELIGIBLE_LEADERS_NOT_AVAILABLE", "ELECTION_NOT_NEEDED", "NO_REASSIGNMENT_IN_PROGRESS",
	"GROUP_SUBSCRIBED_TO_TOPIC", "INVALID_RECORD", "UNSTABLE_OFFSET_COMMIT", "THROTTLING_QUOTA_EXCEEDED",
	"PRODUCER_FENCED", "RESOURCE_NOT_FOUND", "DUPLICATE_RESOURCE", "UNACCEPTABLE_CREDENTIAL",
	"INCONSISTENT_VOTER_SET", "INVALID_UPDATE_VERSION", "FEATURE_UPDATE_FAILED",
	"PRINCIPAL_DESERIALIZATION_FAILURE", "SNAPSHOT_NOT_FOUND", "POSITION_OUT_OF_RANGE", "UNKNOWN_TOPIC_ID",
	"DUPLICATE_BROKER_REGISTRATION", "BROKER_ID_NOT_REGISTERED", "INCONSISTENT_TOPIC_ID",
	"INCONSISTENT_CLUSTER_ID", "TRANSACTIONAL_ID_NOT_FOUND", "FETCH_SESSION_TOPIC_ID_ERROR",
	"INELIGIBLE_REPLICA", "NEW_LEADER_ELECTED", "OFFSET_MOVED_TO_TIERED_STORAGE", "FENCED_MEMBER_EPOCH",
	"UNRELEASED_INSTANCE_ID", "UNSUPPORTED_ASSIGNOR", "STALE_MEMBER_EPOCH", "MISMATCHED_ENDPOINT_TYPE",
	"UNSUPPORTED_ENDPOINT_TYPE", "UNKNOWN_CONTROLLER_ID", "UNKNOWN_SUBSCRIPTION_ID", "TELEMETRY_TOO_LARGE",
	"INVALID_REGISTRATION", "TRANSACTION_ABORTABLE", "INVALID_RECORD_STATE", "SHARE_SESSION_NOT_FOUND",
	"INVALID_SHARE_SESSION_EPOCH", "FENCED_STATE_EPOCH", "INVALID_VOTER_KEY", "DUPLICATE_VOTER",
	"VOTER_NOT_FOUND", "INVALID_REGULAR_EXPRESSION", "REBOOTSTRAP_REQUIRED", "STREAMS_INVALID_TOPOLOGY",
	"STREAMS_INVALID_TOPOLOGY_EPOCH", "STREAMS_TOPOLOGY_FENCED", "SHARE_SESSION_LIMIT_REACHED",
};
/* clang-format on */

const struct kafka_api *kafka_api_find(uint16_t key)
{
	return key < N(apis) ? &apis[key] : NULL;
}

const char *kafka_error_name(int16_t code)
{
	return code >= -1 && (size_t)(code + 1) < N(errors) ? errors[code + 1] : NULL;
}
