/* Any bytes as a conversation with MySQL. */
#include "proto/feed_fuzz.h"

FEED_FUZZ(proto_mysql)
