/* Redis in both directions: see proto/feed_fuzz.h. */
#include "proto/feed_fuzz.h"
#include "proto/redis/redis.h"

FEED_FUZZ(proto_redis)
