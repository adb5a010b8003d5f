/* The reader's own rules under any conversation, with the protocol made for tests. */
#include "proto/feed_fuzz.h"
#include "proto/toy_test.h"

FEED_FUZZ(toy)
