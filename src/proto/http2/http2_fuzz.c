/* Any bytes in both directions, with gaps. */
#include "proto/http2/http2.h"

#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_http2)
