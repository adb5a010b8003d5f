/* Any bytes in both directions, with gaps. */
#include "proto/websocket/websocket.h"

#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_websocket)
