/* Any bytes as a conversation with PostgreSQL. */
#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_postgres)
