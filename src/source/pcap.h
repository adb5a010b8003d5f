#pragma once
/*
 * A source made of packets: any pcap or pcapng file (tcpdump, Wireshark), read by libpcap; its TCP
 * and UDP as records of what was sent over each connection (packet_flow.h), in place of the
 * kernel's. There are no processes: the header's pid is 0. host.name is absent.
 *
 * A record's hdr.time_ns is the packet's time of day, and host.boot_to_wall_ns is 0: a file of
 * packets knows no boot. A packet of a time before 1970 counts as of its first nanosecond.
 *
 * Link types: Ethernet, Linux cooked (1 and 2), raw IP, BSD loopback. What libpcap does not read:
 * a pcapng file whose interfaces are of different link types (it ends there, as damaged).
 * Packets of which no record could be made are counted in losses.packets.
 *
 * Memory is bounded whatever the file says, but for 32 bytes or so that libpcap keeps of each of a
 * pcapng file's interfaces (20 bytes in the file). One thread.
 */
#include "source/source.h"

/* Do these bytes begin a pcap or pcapng file? Of 4 at least. */
bool pcap_source_is(struct str begun);

/*
 * A source that gives the records of the file behind @fd, which is closed with the source; on
 * failure it is not closed. @begun: its first bytes, when they were read already, at most 4096.
 * 0; -EBADMSG: not such a file, or of a link type that is not read; or -errno. *ret_why (static
 * text) is set on every failure. Waits for the file's header when @fd is a pipe; after that
 * source_next waits only for the rest of a packet that has begun. source_stats is -ENODATA.
 */
int pcap_source_open_fd(int fd, struct str begun, struct source **ret, const char **ret_why);
