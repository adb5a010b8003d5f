#pragma once
/*
 * A source made of a file, whichever kind of file it is: a capture of porthole (capture.h) or one of
 * packets (pcap.h). Its first bytes decide, never its name.
 */
#include "source/source.h"

/*
 * @path "-" is standard input; pipes work. 0; -EBADMSG: neither, or not readable as what it begins
 * as; or -errno. *ret_why (static text) is set on every failure. May wait for a pipe's first bytes.
 */
int replay_open(const char *path, struct source **ret, const char **ret_why);
