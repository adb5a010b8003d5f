#pragma once
/*
 * tracefs without a mount: most nodes mount it, minimal ones do not, and porthole leaves no mount
 * behind. Opens the mounted one, else makes a detached instance that only this process can see.
 */

/* A directory descriptor of tracefs' root, for openat; or -errno (-EPERM without CAP_SYS_ADMIN). */
int tracefs_open(void);

/* The number of a tracepoint, or -errno; -ENOENT: this kernel does not have it. */
int tracefs_event_id(int tracefs, const char *category, const char *event);
