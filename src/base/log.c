/* One write per message, so that lines of several threads do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"

static enum log_level log_max = LOG_INFO;

void log_set_level(enum log_level max)
{
	log_max = max;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = { "porthole: error: ", "porthole: warning: ",
					      "porthole: ", "porthole: debug: " };
	_cleanup_(buf_free) struct buf line = { 0 };
	char text[1024];
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_str(&line, str_of(prefix[level]));
	buf_text(&line, str_of(text));
	buf_char(&line, '\n');
	if (!line.failed && write(STDERR_FILENO, line.p, line.n) < 0)
		return; /* nowhere left to complain */
}
