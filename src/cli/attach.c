/*
 * Lines are gathered while more are there, and written when they are many or none wait. Reports are gathered whole: the
 * agent does not wait for who reads our output.
 */
#include "cli/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "api/client.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/screen.h"

#define WRITE_BYTES  (64u << 10)
#define ANSWER_MS    10000 /* the agent may have to load probes first */
#define LAST_LINE_NS (3 * NS_PER_SEC)
#define SCREEN_MS    100 /* between two looks at the keyboard */

struct attach {
	struct client *client;
	struct screen *screen;
	int signals;
	struct buf out;
	struct buf page; /* the last whole one */
	struct buf text; /* a page or a report that is not whole yet */
	size_t text_left;
	bool is_page;
	uint64_t until_ns;   /* when to stop; 0: never */
	uint64_t stopped_ns; /* when we did; 0: not yet */
	bool gone;	     /* standard output is closed or full */
	bool ended;
	int code;
};

static void attach_close(struct attach *a)
{
	client_free(a->client);
	closep(&a->signals);
	buf_free(&a->out);
	buf_free(&a->page);
	buf_free(&a->text);
}

static void out_write(struct attach *a)
{
	if (a->out.n && !cli_write(a->out.p, a->out.n))
		a->gone = true;
	buf_reset(&a->out);
}

static void texts_warn(struct buf *text)
{
	char *rest = NULL;

	buf_char(text, '\0');
	if (text->failed)
		return;
	for (char *line = strtok_r(text->p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_warn("%s", line);
}

/* The line that says how it went. */
static void last_line(struct attach *a, struct str line)
{
	struct reply reply;

	a->ended = true;
	if (reply_parse(line, &reply) != 0) {
		a->code = cli_fail("the agent's last line cannot be read");
		return;
	}
	if (strcmp(reply.end, "failed") == 0)
		a->code = cli_fail("the agent could not answer");
	texts_warn(&reply.text);
	if (strcmp(reply.end, "agent") == 0)
		a->code = cli_fail("the agent has ended");
	reply_free(&reply);
}

static void attach_stop(struct attach *a)
{
	if (a->stopped_ns)
		return;
	a->stopped_ns = clock_boot().ns;
	client_stop(a->client);
}

/* The part of the last page that the terminal has room for. */
static void page_draw(struct attach *a)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct str left = buf_slice(&a->page);

	for (unsigned i = 1; i < a->screen->height && left.n; i++) {
		const char *end = memchr(left.p, '\n', left.n);
		size_t n = end ? (size_t)(end - left.p) + 1 : left.n;

		buf_add(&b, left.p, n);
		left = str_skip(left, n);
	}
	screen_frame(a->screen, &b);
	if (!cli_write(b.p, b.n))
		a->gone = true;
}

static void text_begin(struct attach *a, struct str line)
{
	struct reply reply;

	if (reply_parse(line, &reply) != 0) {
		a->ended = true;
		a->code = cli_fail("what the agent sends cannot be read");
		return;
	}
	buf_reset(&a->text);
	a->is_page = reply.page;
	a->text_left = reply.page + reply.report;
	reply_free(&reply);
}

static void text_take(struct attach *a, struct str part)
{
	buf_str(&a->text, part);
	a->text_left -= part.n;
	if (a->text_left || a->text.failed)
		return;
	if (a->is_page && a->screen && a->screen->on) {
		buf_reset(&a->page);
		buf_str(&a->page, buf_slice(&a->text));
		page_draw(a);
	} else if (!a->is_page) {
		if (a->screen)
			screen_close(a->screen);
		buf_str(&a->out, buf_slice(&a->text));
	}
}

/* Takes the lines that are there; true when it left some. */
static bool lines_take(struct attach *a)
{
	struct str line;
	int got;

	while (!a->ended && !a->gone) {
		got = a->text_left ? client_bytes(a->client, 0, a->text_left, &line) :
				     client_line(a->client, 0, &line);
		if (!got)
			break;
		if (got < 0) {
			a->ended = true;
			a->code = cli_fail("the agent is gone: %s", strerror(-got));
		} else if (a->text_left) {
			text_take(a, line);
		} else if (line.n && line.p[0] == REQUEST_TEXT_MARK) {
			text_begin(a, str_skip(line, 1));
		} else if (line.n && line.p[0] == REQUEST_END_MARK) {
			last_line(a, str_skip(line, 1));
		} else {
			buf_str(&a->out, line);
			buf_char(&a->out, '\n');
			if (a->out.n >= WRITE_BYTES)
				return true;
		}
	}
	return false;
}

static int wait_ms(const struct attach *a, uint64_t now)
{
	uint64_t until = a->stopped_ns ? a->stopped_ns + LAST_LINE_NS : a->until_ns;
	bool screen = a->screen && a->screen->on;
	uint64_t ms;

	if (!until)
		return screen ? SCREEN_MS : -1;
	ms = until > now ? (until - now) / NS_PER_MS + 1 : 0;
	return screen && ms > SCREEN_MS ? SCREEN_MS : (int)ms;
}

static void attach_wait(struct attach *a, bool more)
{
	struct pollfd p[] = { { client_fd(a->client), POLLIN, 0 }, { a->signals, POLLIN, 0 } };
	uint64_t now = clock_boot().ns;
	struct signalfd_siginfo info;

	if (poll(p, 2, more ? 0 : wait_ms(a, now)) > 0 && p[1].revents &&
	    read(a->signals, &info, sizeof(info)) == sizeof(info))
		attach_stop(a);
	if (a->screen && a->screen->on) {
		if (screen_changed(a->screen))
			page_draw(a);
		if (a->screen->quit)
			attach_stop(a);
	}
	now = clock_boot().ns;
	if (a->until_ns && now >= a->until_ns)
		attach_stop(a);
	if (a->stopped_ns && now > a->stopped_ns + LAST_LINE_NS) {
		a->ended = true;
		a->code = cli_fail("the agent does not answer");
	}
}

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The agent's first line. 0, or -errno after the reason was said; -ENOTSUP: it is not made for this. */
static int answer_take(struct attach *a)
{
	struct reply reply;
	struct str line;
	int got = client_line(a->client, ANSWER_MS, &line);
	int err;

	if (got <= 0) {
		cli_fail("the agent does not answer%s%s", got ? ": " : "", got ? strerror(-got) : "");
		return -EIO;
	}
	if (reply_parse(line, &reply) != 0) {
		cli_fail("the agent's answer cannot be read");
		return -EBADMSG;
	}
	err = reply.ok ? 0 : reply.alone ? -ENOTSUP : -EPROTO;
	if (reply.ok)
		texts_warn(&reply.text);
	else if (reply.alone)
		log_info("an agent runs here, but %.*s: this command watches by itself",
			 STR_ARG(buf_slice(&reply.text)));
	else
		cli_fail("the agent refuses: %.*s", STR_ARG(buf_slice(&reply.text)));
	reply_free(&reply);
	return err;
}

bool attach_view(const struct attach_opts *o, int *ret_code)
{
	_cleanup_(attach_close) struct attach a = { .signals = -1, .screen = o->screen };
	int err;

	if (client_connect(o->socket, &a.client) != 0)
		return false;
	*ret_code = CLI_FAILED;
	a.signals = signals_open();
	if (a.signals < 0 || client_send(a.client, o->request) != 0) {
		cli_fail("the agent at %s cannot be asked", o->socket);
		return true;
	}
	err = answer_take(&a);
	if (err)
		return err != -ENOTSUP;
	if (a.screen)
		screen_open(a.screen);
	a.until_ns = o->for_ns ? clock_boot().ns + o->for_ns : 0;
	while (!a.ended && !a.gone) {
		bool more = lines_take(&a);

		out_write(&a);
		if (!a.ended && !a.gone)
			attach_wait(&a, more);
	}
	*ret_code = a.code;
	return true;
}
