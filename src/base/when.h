#pragma once
/*
 * Moments as people write them, in the machine's own time zone:
 *   02:57, 02:57:30           today; yesterday when that is still to come
 *   2026-11-30 02:57[:30]     also with a T between, and with a Z behind for UTC
 *   10m ago, 1h30m ago        back from now; units s, m, h, d
 *   now
 * Text is the user's own. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

/* @now_ns and the result in Unix time. False: not a moment, or none that the clocks here know. */
bool when_parse(const char *text, int64_t now_ns, int64_t *ret_ns);
