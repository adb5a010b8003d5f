/*
 * cause: kernel-cpu
 * cpu: 1.5
 *
 * A folder of very many files is listed over and over.
 */
#include <dirent.h>

#include "app.h"

int main(int argc, char **argv)
{
	unsigned int files;
	char path[40];
	DIR *d;

	begin(argc, argv);
	files = (unsigned int)vary(3000, 9000);
	mkdir("spool", 0755);
	for (unsigned int i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "spool/message-%u", i);
		close(open(path, O_WRONLY | O_CREAT, 0644));
	}
	for (;; closedir(d)) {
		d = opendir("spool");
		need(d != NULL, "spool");
		while (readdir(d))
			;
	}
}
