/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf.c - any text as configuration: it is refused with one line, or
 * what is printed of it reads as the same.  An octet 0xff begins the text of
 * the next piece (-o).
 * LINK: daemon/conf.c daemon/conf_check.c daemon/conf_load.c
 * LINK: daemon/conf_print.c daemon/conf_scan.c daemon/conf_table.c
 * LINK: daemon/conf_type.c daemon/conf_type_addr.c daemon/conf_value.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf.h"

#define MAX_PIECES 4

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int right, const char *what, const char *text)
{
	if (right)
		return;
	(void)fprintf(stderr, "%s:\n%s\n", what, text);
	abort();
}

static char *print(const struct conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	conf_print(c, f);
	if (fclose(f) != 0)
		abort();
	return text;
}

/* An error is one printable line that names its piece, and says what was
 * expected. */
static void check_error(const char *err)
{
	const char *lost = strstr(err, ": not understood, ");
	const char *quote = strchr(err, '"');

	demand(strncmp(err, "piece ", 6) == 0, "no place", err);
	demand(strstr(err, ", expected ") != NULL, "expects nothing", err);
	/* before the text's own words, which stand in quotes */
	demand(lost == NULL || (quote != NULL && quote < lost),
	       "the scan let pass what libconfuse does not take", err);
	for (const char *p = err; *p != '\0'; p++)
		demand(*p >= ' ' && *p <= '~', "not printable", err);
}

static void check_print(const struct conf *c)
{
	struct conf_piece piece = {"printed", NULL};
	struct tcpd_settings s, other;
	char err[512] = "", *first = print(c), *second;
	struct conf *again;

	piece.text = first;
	again = conf_parse(&piece, 1, err, sizeof(err));
	demand(again != NULL, err, first);
	second = print(again);
	demand(strcmp(first, second) == 0, "reads as another", first);
	conf_settings(c, &s);
	conf_settings(again, &other);
	demand(s.rto_init == other.rto_init && again->user_set == c->user_set &&
		       again->group_set == c->group_set,
	       "has other values", first);
	demand(s.naddrs == c->naddresses, "has other addresses", first);
	conf_free(again);
	free(first);
	free(second);
}

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[MAX_PIECES] = {"piece 1", "piece 2",
						      "piece 3", "piece 4"};
	struct conf_piece pieces[MAX_PIECES];
	char *text = malloc(size + 1), err[512] = "";
	struct conf *c;
	size_t n = 1;

	if (text == NULL)
		return 0;
	/* a NUL octet ends the text, as it would in an argument */
	memcpy(text, data, size);
	text[size] = '\0';
	pieces[0] = (struct conf_piece){names[0], text};
	for (size_t i = 0; i < size && n < MAX_PIECES; i++) {
		if (data[i] != 0xff)
			continue;
		text[i] = '\0';
		pieces[n] = (struct conf_piece){names[n], text + i + 1};
		n++;
	}
	c = conf_parse(pieces, n, err, sizeof(err));
	if (c == NULL)
		check_error(err);
	else
		check_print(c);
	conf_free(c);
	free(text);
	return 0;
}
