/* Any bytes in both directions, with gaps. */
#include "proto/http/http.h"

#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_http)
