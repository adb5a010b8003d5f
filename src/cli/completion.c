/* porthole completion: scripts for bash and zsh, from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void commands_put(void)
{
	for (size_t i = 0; i < cli_commands_n; i++)
		printf("%s%s", i ? " " : "", cli_commands[i]->name);
}

static void bash_words(const struct cli_command *c)
{
	for (const struct cli_option *o = c->options; o && o->name; o++)
		printf("--%s ", o->name);
	printf("--help");
}

/* One case per option that takes known words or a file. */
static void bash_cases(const struct cli_command *c)
{
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		if (!o->complete)
			continue;
		printf("\t%s:--%s", c->name, o->name);
		if (o->letter)
			printf("|%s:-%c", c->name, o->letter);
		if (strcmp(o->complete, "FILE") == 0)
			printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
		else
			printf(") COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
			       o->complete);
	}
}

static void bash_put(void)
{
	printf("# bash completion for porthole\n_porthole() {\n\tlocal cur prev cmd\n"
	       "\tcur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	commands_put();
	printf(" --help --version\" -- \"$cur\")); return\n\tfi\n\tcase $cmd:$prev in\n");
	for (size_t i = 0; i < cli_commands_n; i++)
		bash_cases(cli_commands[i]);
	printf("\tesac\n\tcase $cmd in\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf("\t%s) COMPREPLY=($(compgen -W \"", cli_commands[i]->name);
		bash_words(cli_commands[i]);
		printf("\" -- \"$cur\")) ;;\n");
	}
	printf("\tesac\n}\ncomplete -F _porthole porthole\n");
}

/* Help text inside '...[...]': quotes and brackets would end it. */
static void zsh_text(const char *s)
{
	for (; *s; s++)
		if (*s != '\'' && *s != '[' && *s != ']' && *s != ':')
			putchar(*s);
}

static void zsh_option(const struct cli_option *o)
{
	printf(" '--%s%s[", o->name, o->arg ? "=" : "");
	zsh_text(o->help);
	printf("]");
	if (o->arg && o->complete && strcmp(o->complete, "FILE") == 0)
		printf(":file:_files");
	else if (o->arg && o->complete)
		printf(":%s:(%s)", o->arg, o->complete);
	else if (o->arg)
		printf(":value:");
	printf("'");
}

static void zsh_put(void)
{
	printf("#compdef porthole\n_porthole() {\n\tlocal -a commands\n\tcommands=(\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf("\t\t'%s:", cli_commands[i]->name);
		zsh_text(cli_commands[i]->summary);
		printf("'\n");
	}
	printf("\t)\n\tif (( CURRENT == 2 )); then _describe command commands; return; fi\n"
	       "\tcase $words[2] in\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		printf("\t%s) shift words; (( CURRENT-- )); _arguments", cli_commands[i]->name);
		for (const struct cli_option *o = cli_commands[i]->options; o && o->name; o++)
			zsh_option(o);
		printf(" '--help[show help]' ;;\n");
	}
	printf("\tesac\n}\n_porthole \"$@\"\n");
}

static int completion_run(void *opts, int argc, char **argv)
{
	(void)opts;
	if (argc == 1 && strcmp(argv[0], "bash") == 0)
		bash_put();
	else if (argc == 1 && strcmp(argv[0], "zsh") == 0)
		zsh_put();
	else
		return cli_usage("which shell? porthole completion bash, or zsh");
	return CLI_OK;
}

const struct cli_command cmd_completion = {
	.name = "completion",
	.summary = "print a shell completion script",
	.operands = "bash|zsh",
	.description = "Prints completion of commands and options for bash or zsh.",
	.examples = "source <(porthole completion bash)\tcomplete in this shell\n",
	.run = completion_run,
};
