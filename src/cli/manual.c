/* porthole manual: the manual pages, from the same tables as --help. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int manual_run(void *opts, int argc, char **argv)
{
	(void)opts;
	if (argc == 0) {
		cli_manual(NULL);
		return CLI_OK;
	}
	for (size_t i = 0; i < cli_commands_n; i++)
		if (strcmp(argv[0], cli_commands[i]->name) == 0) {
			cli_manual(cli_commands[i]);
			return CLI_OK;
		}
	return cli_usage("unknown command \"%s\"; see porthole --help", argv[0]);
}

const struct cli_command cmd_manual = {
	.name = "manual",
	.summary = "print a manual page",
	.operands = "[COMMAND]",
	.description = "Prints the manual page of COMMAND, or of porthole itself, in man(7) form.",
	.examples = "porthole manual events | man -l -\tread it\n",
	.run = manual_run,
};
