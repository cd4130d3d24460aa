/* SPDX-License-Identifier: MIT */
/*
 * service_daytime.c - the Daytime Protocol (RFC 867): one line, then CLOSE.
 * The stack does the rest alone, so a connection needs no memory here.
 */
#include <time.h>

#include "service.h"

/* "Sunday, November 22, 2026 12:00:00-UTC", one of the RFC's two forms. */
static size_t line(char *buf, size_t size)
{
	static time_t made;
	static char kept[80];
	static size_t len;
	time_t now = time(NULL);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm)) {
		len = strftime(kept, sizeof(kept),
			       "%A, %B %d, %Y %H:%M:%S-UTC\r\n", &tm);
		made = now;
	}
	for (size_t i = 0; i < len && i < size; i++)
		buf[i] = kept[i];
	return len < size ? len : size;
}

static void accept_one(struct daemon *d, struct service *s, tcpd_handle h)
{
	char buf[80];
	size_t len = line(buf, sizeof(buf));

	(void)s;
	(void)tcpd_send(d->st, h, buf, len, d->now);
	/* unread data would turn CLOSE into RST (RFC 9293, SHLD-3) */
	service_discard_input(d, h);
	(void)tcpd_close(d->st, h, d->now);
}

const struct service_kind service_daytime = {"daytime", NULL, accept_one, NULL};
