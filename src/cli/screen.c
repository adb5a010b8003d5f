/*
 * What the terminal was is kept in one static place, because signal handlers give it back. They do
 * only what is safe in them: write(2), tcsetattr(3), raise(3).
 */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Alternate screen, no cursor, no wrapping; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define HOME  "\033[H"
#define EOL   "\033[K"
#define BELOW "\033[J"

static struct {
	struct termios was;
	bool keys; /* `was` is to be restored */
	volatile sig_atomic_t on, changed;
} terminal;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };

static void say(const char *text)
{
	ssize_t n = write(STDOUT_FILENO, text, strlen(text));

	(void)n; /* the terminal is gone: nothing to give back */
}

static void give_back(void)
{
	int was = errno;

	if (!terminal.on)
		return;
	terminal.on = 0;
	say(LEAVE);
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.was);
	errno = was;
}

static void take(void)
{
	struct termios raw = terminal.was;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	say(ENTER);
	terminal.on = 1;
	terminal.changed = 1;
}

static void on_fatal(int sig)
{
	give_back();
	raise(sig); /* SA_RESETHAND: now it does what it does */
}

static void on_stop(int sig)
{
	(void)sig;
	give_back();
	raise(SIGSTOP);
}

static void on_change(int sig)
{
	if (sig == SIGCONT && !terminal.on)
		take();
	terminal.changed = 1;
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &a, NULL);
}

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void size_get(struct screen *s)
{
	struct winsize w;

	s->width = 80;
	s->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row) {
		s->width = w.ws_col;
		s->height = w.ws_row;
	}
}

void screen_open(struct screen *s)
{
	if (!screen_possible())
		return;
	/* A job in the background must not touch the terminal's settings: it would be stopped. */
	terminal.keys = tcgetpgrp(STDIN_FILENO) == getpgrp() &&
			tcgetattr(STDIN_FILENO, &terminal.was) == 0;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		handle(fatal[i], on_fatal, SA_RESETHAND);
	handle(SIGTSTP, on_stop, 0);
	handle(SIGCONT, on_change, 0);
	handle(SIGWINCH, on_change, 0);
	atexit(give_back);
	take();
	size_get(s);
	s->on = true;
}

void screen_close(struct screen *s)
{
	if (!s->on)
		return;
	s->on = false;
	handle(SIGCONT, SIG_DFL, 0);
	handle(SIGTSTP, SIG_DFL, 0);
	handle(SIGWINCH, SIG_DFL, 0);
	give_back();
}

void screen_frame(struct screen *s, struct buf *b)
{
	struct buf out = { 0 };
	struct str left = buf_slice(b);

	(void)s;
	buf_str(&out, STR(HOME));
	while (left.n) {
		const char *end = memchr(left.p, '\n', left.n);
		struct str line = { left.p, end ? (size_t)(end - left.p) : left.n };

		buf_str(&out, line);
		buf_str(&out, STR(EOL));
		left = str_skip(left, line.n + 1);
		/* No newline after the last line: it would scroll a full screen. */
		if (left.n)
			buf_str(&out, STR("\r\n"));
	}
	buf_str(&out, STR(BELOW));
	buf_free(b);
	*b = out;
}

bool screen_changed(struct screen *s)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	bool changed = terminal.changed;
	char key;

	terminal.changed = 0;
	while (terminal.keys && poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &key, 1) == 1)
		if (key == 'q' || key == 'Q')
			s->quit = true;
	if (changed)
		size_get(s);
	return changed;
}
