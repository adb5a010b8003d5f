/* NATS in both directions: see proto/feed_fuzz.h. */
#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_nats)
