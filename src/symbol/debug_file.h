#pragma once
/*
 * What was split from a file: its debug file, and the symbols packed into .gnu_debugdata.
 *
 * Places of debug files, tried in this order, in the container's root and then in the host's:
 *
 *     /usr/lib/debug/.build-id/xx/yyyy.debug      the build id must agree
 *     DIR/LINK, DIR/.debug/LINK, /usr/lib/debug/DIR/LINK    from .gnu_debuglink; the CRC must agree
 *
 * A file over DEBUG_CRC_MAX is not summed: its build id must agree then. Sources: gdb's manual,
 * "Debugging Information in Separate Files" and "MiniDebugInfo".
 */
#include "symbol/image.h"

#define DEBUG_CRC_MAX	 (256u << 20)
#define DEBUG_UNPACK_MAX (32u << 20) /* bytes that .gnu_debugdata may unpack to */

struct debug_places {
	int root_fd, host_root_fd; /* -1: none */
	struct str path;	   /* of the file, as its process sees it */
};

/* 0, or -ENOENT. @ret_wrong is increased for each file whose build id or CRC disagrees. */
int debug_file_open(const struct image *im, const struct debug_places *places, struct image *ret,
		    uint64_t *ret_wrong);
/* 0, -ENOENT (it has none), -ENOMEM, or -EBADMSG: does not unpack, to too much, or to no ELF. */
int debug_data_unpack(const struct image *im, struct image *ret);
