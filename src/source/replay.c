/* Reads as many bytes as tell what it is; who reads on gets them with the descriptor. */
#include "source/replay.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "source/capture.h"
#include "source/pcap.h"

#define TELLS 8 /* bytes */

/* How many there are: fewer only at the end of the file. */
static ssize_t begin_read(int fd, char *to)
{
	size_t n = 0;

	while (n < TELLS) {
		ssize_t got = read(fd, to + n, TELLS - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int replay_open(const char *path, struct source **ret, const char **ret_why)
{
	_cleanup_(closep) int fd = -1;
	char begun[TELLS];
	struct str head;
	ssize_t n;
	int err;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	*ret_why = "the file cannot be opened";
	if (fd < 0)
		return -errno;
	*ret_why = "the file cannot be read";
	n = begin_read(fd, begun);
	if (n < 0)
		return (int)n;
	head = (struct str){ begun, (size_t)n };
	if (pcap_source_is(head))
		err = pcap_source_open_fd(fd, head, ret, ret_why);
	else if (capture_is(head))
		err = capture_open_fd(fd, head, ret, ret_why);
	else {
		*ret_why = "neither a capture of porthole nor a pcap or pcapng file";
		err = -EBADMSG;
	}
	if (err == 0)
		fd = -1;
	return err;
}
