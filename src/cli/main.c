/* Finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0) {
		cli_help(NULL);
		return name ? CLI_OK : CLI_USAGE;
	}
	if (strcmp(name, "--version") == 0) {
		printf("porthole %s\n", PORTHOLE_VERSION);
		return CLI_OK;
	}
	for (size_t i = 0; i < cli_commands_n; i++)
		if (strcmp(name, cli_commands[i]->name) == 0)
			return cli_run(cli_commands[i], argc - 1, argv + 1);
	return cli_usage("unknown command \"%s\"; see porthole --help", name);
}
