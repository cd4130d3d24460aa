/* SPDX-License-Identifier: MIT */
/*
 * names.c - the words for errors, drops, resets and counters, from the tables
 * in tcpd_err.h, tcpd_drop.h and tcpd_stat.h.  A number that is in no table
 * (a newer stack's, a damaged record's) is "?".
 */
#include "clamp.h"
#include "tcpd_drop.h"
#include "tcpd_err.h"
#include "tcpd_stat.h"

struct word {
	const char *name, *text;
};

static const struct word err_words[] = {{"OK", "no error"},
#define X(name, err, text) {#name, text},
					TCPD_ERRORS(X)
#undef X
};

static const struct word drop_words[] = {
#define X(name, key, text) {key, text},
	TCPD_DROPS(X)
#undef X
};

static const struct word reset_words[] = {
#define X(name, key, text) {key, text},
	TCPD_RESETS(X)
#undef X
};

static const struct tcpd_stat_row stat_rows[] = {
#define X(group, key, text) \
	{#group, #key, text, offsetof(struct tcpd_stats, group##_##key)},
	TCPD_STATS(X)
#undef X
};

static const struct word unknown = {"?", "?"};

static const struct word *word(const struct word *table, size_t n, unsigned i)
{
	return i < n ? &table[i] : &unknown;
}

static const struct word *err_word(int err)
{
	/* unsigned, so that INT_MIN has a negative too */
	unsigned n = err < 0 ? 0u - (unsigned)err : (unsigned)err;

	return word(err_words, ARRAY_SIZE(err_words), n);
}

const char *tcpd_err_name(int err)
{
	return err_word(err)->name;
}

const char *tcpd_err_text(int err)
{
	return err_word(err)->text;
}

const char *tcpd_drop_name(enum tcpd_drop d)
{
	return word(drop_words, ARRAY_SIZE(drop_words), (unsigned)d)->name;
}

const char *tcpd_drop_text(enum tcpd_drop d)
{
	return word(drop_words, ARRAY_SIZE(drop_words), (unsigned)d)->text;
}

const char *tcpd_reset_name(enum tcpd_reset r)
{
	return word(reset_words, ARRAY_SIZE(reset_words), (unsigned)r)->name;
}

const char *tcpd_reset_text(enum tcpd_reset r)
{
	return word(reset_words, ARRAY_SIZE(reset_words), (unsigned)r)->text;
}

const struct tcpd_stat_row *tcpd_stat_row(unsigned i)
{
	return i < ARRAY_SIZE(stat_rows) ? &stat_rows[i] : NULL;
}
