#pragma once
/*
 * What every command over a session says on standard error: probes that cannot be had, losses,
 * damage. One line each, nothing when there is nothing to say.
 */
#include "agent/session.h"

/*
 * Names the probes that are degraded or unavailable. 0, or -ENOTSUP when kinds are @wanted and none
 * of them can be had. Live sessions only.
 */
int report_probes(struct session *s, uint64_t wanted);

/* Losses by reason, and where a capture is damaged. False when it is. */
bool report_losses(struct session *s);
