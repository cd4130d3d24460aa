/* SPDX-License-Identifier: MIT */
/*
 * talk.c - tcpctl's side of ctl.sock: one line out, the answer in.  The
 * daemon makes the tables and the JSON; here they are only passed on.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tcpctl.h"

#define LINE_MAX_OCTETS 4094 /* the daemon's limit, newline not counted */
#define HEAD_MAX	2048 /* a refusal is shorter */

void say(const char *fmt, ...)
{
	char line[4096 + 256]; /* words of the daemon are shorter */
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "tcpctl: %s\n", line);
}

int talk_connect(const struct tcpctl *t, int *code)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(t->socket);
	int fd;

	if (len >= sizeof(a.sun_path)) {
		say("%s: a socket path has at most %zu "
		    "octets",
		    t->socket, sizeof(a.sun_path) - 1);
		*code = EXIT_USAGE;
		return -1;
	}
	memcpy(a.sun_path, t->socket, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		say("socket: %s", strerror(errno));
		*code = EXIT_REFUSED;
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	if (errno == EACCES || errno == EPERM) {
		say("%s: %s", t->socket, strerror(errno));
		*code = EXIT_REFUSED;
	} else {
		say("no tcpd at %s: %s", t->socket, strerror(errno));
		*code = EXIT_NO_DAEMON;
	}
	close(fd);
	return -1;
}

bool talk_ask(int fd, const struct tcpctl *t, const char *name, int nwords,
	      char **word)
{
	char line[LINE_MAX_OCTETS + 2];
	size_t n = 0;
	ssize_t w;

	n = (size_t)snprintf(line, sizeof(line), "%s%s", name,
			     t->json ? " --json" : "");
	for (int i = 0; i < nwords; i++) {
		size_t len = strlen(word[i]);

		if (n + 1 + len > LINE_MAX_OCTETS) {
			say("more than %d octets of "
			    "arguments",
			    LINE_MAX_OCTETS);
			return false;
		}
		line[n++] = ' ';
		memcpy(line + n, word[i], len);
		n += len;
	}
	line[n++] = '\n';
	/* so short a line fits an empty socket at once; a daemon that has
	 * refused already (too many clients) says why in what is read next */
	w = send(fd, line, n, MSG_NOSIGNAL);
	if (w == (ssize_t)n || (w < 0 && errno == EPIPE))
		return true;
	say("send: %s", strerror(errno));
	return false;
}

bool talk_refused(const char *said, size_t len)
{
	static const char text[] = "error: ", json[] = "{\"error\":";
	const char *words;
	json_t *j;

	if (len > sizeof(text) - 1 &&
	    memcmp(said, text, sizeof(text) - 1) == 0) {
		size_t n = len - (sizeof(text) - 1);

		said += sizeof(text) - 1;
		while (n && said[n - 1] == '\n')
			n--;
		say("%.*s", (int)n, said);
		return true;
	}
	if (len <= sizeof(json) - 1 ||
	    memcmp(said, json, sizeof(json) - 1) != 0)
		return false;
	j = json_loadb(said, len, JSON_DISABLE_EOF_CHECK, NULL);
	words = json_string_value(json_object_get(j, "error"));
	say("%s", words ? words : "refused");
	json_decref(j);
	return true;
}

/* All that comes, to stdout: -1: said on stderr. */
static int copy(int fd, char *buf, size_t len, size_t size)
{
	for (;;) {
		ssize_t n;

		if (len && (fwrite(buf, 1, len, stdout) != len ||
			    fflush(stdout) != 0)) {
			say("stdout: %s", strerror(errno));
			return -1;
		}
		n = read(fd, buf, size);
		if (n < 0 && errno == EINTR) {
			len = 0;
			continue;
		}
		if (n < 0) {
			say("the daemon broke off: %s", strerror(errno));
			return -1;
		}
		if (n == 0)
			return 0;
		len = (size_t)n;
	}
}

int talk_run(const struct tcpctl *t, const struct subcommand *s, int nwords,
	     char **word)
{
	static char buf[65536];
	size_t len = 0;
	int code = EXIT_REFUSED, fd = talk_connect(t, &code);
	ssize_t n;

	if (fd < 0)
		return code;
	if (!talk_ask(fd, t, s->name, nwords, word)) {
		close(fd);
		return EXIT_USAGE;
	}
	/* the first line tells whether it is a refusal */
	while (len < HEAD_MAX && !memchr(buf, '\n', len)) {
		n = read(fd, buf + len, HEAD_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (len == 0) {
		say("the daemon gave no answer");
		code = EXIT_REFUSED;
	} else if (talk_refused(buf, len)) {
		code = EXIT_REFUSED;
	} else {
		code = copy(fd, buf, len, sizeof(buf)) < 0 ? EXIT_REFUSED
							   : EXIT_DONE;
	}
	close(fd);
	return code;
}
