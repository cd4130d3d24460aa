/* SPDX-License-Identifier: MIT */
/*
 * run.c - plays conversations and prints TAP: one test a file and family.
 *
 *	run [-v] [-4 | -6] [--record] [--complete] FILE…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

struct options {
	bool verbose, record, complete, only4, only6;
};

/* A file that says `setting family 4` is played over IPv4 alone. */
static bool wants(const char *path, uint8_t version)
{
	FILE *f = fopen(path, "r");
	char line[256];
	uint8_t family = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "setting family ", 15)) {
			family = (uint8_t)(line[15] - '0');
			break;
		}
	if (f)
		(void)fclose(f);
	return !family || family == version;
}

static bool one(const char *path, uint8_t version, unsigned test,
		const struct options *o, struct seen *seen)
{
	static struct stage s;
	char *where = NULL;
	bool fine;

	memset(&s, 0, sizeof(s));
	s.version = version;
	s.verbose = o->verbose;
	s.record = o->record;
	s.seen = seen;
	settings_default(&s);
	fine = play_file(&s, path, &where);
	printf("%sok %u - %s IPv%u%s\n", fine ? "" : "not ", test, path,
	       version, o->record ? ", through records" : "");
	if (!fine)
		printf("# %s\n#    %s\n", where ? where : path, s.why);
	free(where);
	return fine;
}

static int usage(void)
{
	(void)fprintf(stderr,
		      "usage: run [-v] [-4 | -6] [--record] [--complete] "
		      "FILE...\n");
	return 2;
}

static bool option(struct options *o, const char *word)
{
	if (!strcmp(word, "-v"))
		o->verbose = true;
	else if (!strcmp(word, "-4"))
		o->only4 = true;
	else if (!strcmp(word, "-6"))
		o->only6 = true;
	else if (!strcmp(word, "--record"))
		o->record = true;
	else if (!strcmp(word, "--complete"))
		o->complete = true;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct seen seen;
	struct options o = {.verbose = false};
	unsigned test = 0, failed = 0;
	int first = 1;

	while (first < argc && argv[first][0] == '-')
		if (!option(&o, argv[first++]))
			return usage();
	if (first == argc)
		return usage();
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = first; i < argc; i++)
		for (uint8_t v = 4; v <= 6; v = (uint8_t)(v + 2)) {
			if ((v == 4 && o.only6) || (v == 6 && o.only4) ||
			    !wants(argv[i], v))
				continue;
			failed += !one(argv[i], v, ++test, &o, &seen);
		}
	if (o.complete) {
		failed += complete_report(&seen, test + 1);
		test += 5;
	}
	printf("1..%u\n", test);
	return failed != 0;
}
