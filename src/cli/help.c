/* --help and manual pages, both from the command's table. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define OPTION_WIDTH 26

static const char about[] =
	"porthole shows what every process, container and pod on this node does, as the kernel sees "
	"it.";

static void option_left(const struct cli_option *o, char *ret, size_t n)
{
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(ret, n, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void options_help(const struct cli_command *c)
{
	char left[80];

	printf("\nOptions:\n");
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		option_left(o, left, sizeof(left));
		if (strlen(left) > OPTION_WIDTH)
			printf("  %s\n  %*s  %s\n", left, OPTION_WIDTH, "", o->help);
		else
			printf("  %-*s  %s\n", OPTION_WIDTH, left, o->help);
	}
	printf("  %-*s  %s\n", OPTION_WIDTH, "-h, --help", "this text");
}

/* Each example is "command<tab>what it does<newline>". */
static void examples_each(const char *text,
			  void (*show)(const char *cmd, int n, const char *what, int m))
{
	while (text && *text) {
		const char *tab = strchr(text, '\t');
		const char *end = strchrnul(text, '\n');

		if (!tab || tab > end)
			return;
		show(text, (int)(tab - text), tab + 1, (int)(end - tab - 1));
		text = *end ? end + 1 : end;
	}
}

static void example_help(const char *cmd, int n, const char *what, int m)
{
	printf("  %.*s\n      %.*s\n", n, cmd, m, what);
}

static void porthole_help(void)
{
	printf("%s\n\nUsage: porthole COMMAND [OPTIONS]\n\nCommands:\n", about);
	for (size_t i = 0; i < cli_commands_n; i++)
		printf("  %-12s%s\n", cli_commands[i]->name, cli_commands[i]->summary);
	printf("\nporthole COMMAND --help tells more. porthole --version prints the version.\n");
}

void cli_help(const struct cli_command *c)
{
	if (!c) {
		porthole_help();
		return;
	}
	printf("porthole %s: %s.\n\nUsage: porthole %s [OPTIONS]%s%s\n", c->name, c->summary,
	       c->name, c->operands ? " " : "", c->operands ? c->operands : "");
	if (c->description)
		printf("\n%s\n", c->description);
	options_help(c);
	if (c->examples) {
		printf("\nExamples:\n");
		examples_each(c->examples, example_help);
	}
}

/* Text for roff: no line starts with a control character, hyphens stay hyphens. */
static void roff(const char *text, int n)
{
	bool start = true;

	for (int i = 0; i < n; i++) {
		char ch = text[i];

		if (start && (ch == '.' || ch == '\''))
			printf("\\&");
		start = ch == '\n';
		if (ch == '-')
			printf("\\-");
		else if (ch == '\\')
			printf("\\e");
		else if (ch == '\n' && i + 1 < n && text[i + 1] == '\n')
			printf("\n.PP"), start = false;
		else
			putchar(ch);
	}
}

static void roff_line(const char *text)
{
	roff(text, (int)strlen(text));
	putchar('\n');
}

static void example_manual(const char *cmd, int n, const char *what, int m)
{
	printf(".TP\n.B ");
	roff(cmd, n);
	putchar('\n');
	roff(what, m);
	putchar('\n');
}

static void options_manual(const struct cli_command *c)
{
	printf(".SH OPTIONS\n");
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		char left[80];

		option_left(o, left, sizeof(left));
		printf(".TP\n.B ");
		roff_line(left + strspn(left, " "));
		roff_line(o->help);
	}
	printf(".TP\n.B \\-h, \\-\\-help\nShow a summary of the command.\n");
}

static void porthole_manual(void)
{
	printf(".TH PORTHOLE 1 \"\" \"porthole %s\"\n.SH NAME\nporthole \\- see what every process, "
	       "container and pod does\n.SH SYNOPSIS\n.B porthole\n.I COMMAND\n[OPTIONS]\n"
	       ".SH DESCRIPTION\n",
	       PORTHOLE_VERSION);
	roff_line(about);
	printf(".SH COMMANDS\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf(".TP\n.BR porthole\\-%s (1)\n", cli_commands[i]->name);
		roff_line(cli_commands[i]->summary);
	}
	printf(".SH EXIT STATUS\n0: done. 1: failed. 2: used wrongly.\n");
}

void cli_manual(const struct cli_command *c)
{
	if (!c) {
		porthole_manual();
		return;
	}
	printf(".TH PORTHOLE-%s 1 \"\" \"porthole %s\"\n.SH NAME\nporthole\\-%s \\- %s\n", c->name,
	       PORTHOLE_VERSION, c->name, c->summary);
	printf(".SH SYNOPSIS\n.B porthole %s\n[OPTIONS] %s\n", c->name,
	       c->operands ? c->operands : "");
	printf(".SH DESCRIPTION\n");
	roff_line(c->description ? c->description : c->summary);
	options_manual(c);
	if (c->examples) {
		printf(".SH EXAMPLES\n");
		examples_each(c->examples, example_manual);
	}
	printf(".SH EXIT STATUS\n0: done. 1: failed. 2: used wrongly.\n");
	printf(".SH SEE ALSO\n.BR porthole (1)\n");
}
