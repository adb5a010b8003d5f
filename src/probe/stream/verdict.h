#pragma once
/*
 * What user space tells the kernel program of a connection: keep copying its messages (STREAM_CLASS_BODIES: without bodies
 * of a told length), or drop it. One word of
 * memory that both share, so a verdict costs no system call. A socket takes it up with its next call, and
 * may be told otherwise later; one that is dropped makes no records (but for its end) until it is kept again.
 *
 * A word belongs to the socket whose number it holds, so that a late verdict never hits another socket.
 * STREAM_VERDICTS numbers on, the next socket has the same word: a verdict that its socket has not taken up by
 * then is lost, and the connection stays as it was.
 */
#include "wire/stream.h"

#include <stdint.h>

struct stream_verdicts {
	uint64_t *words;
};

/* @map_fd: of the map stream_verdicts of the loaded probe; not kept. 0 or -errno. */
int stream_verdicts_open(int map_fd, struct stream_verdicts *ret);
void stream_verdicts_close(struct stream_verdicts *v);

/* @id: rec_stream.id. Of datagrams there are none: nothing is done. Fine when not open. */
void stream_verdict_set(struct stream_verdicts *v, uint64_t id, enum stream_class class);
