/* Any conversation. */
#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_cql)
