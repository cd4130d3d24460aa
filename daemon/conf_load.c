/* SPDX-License-Identifier: MIT */
/*
 * conf_load.c - the configuration's texts: its file and those of -o.
 *
 * The file is read here and not by libconfuse, whose scanner ends the process
 * when its file is a directory or cannot be read: deadly at a reload.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "conf.h"
#include "conf_scan.h"

#define FILE_MAX (1u << 20)

/* |buf| has one octet more than the limit, so that too much shows. */
static ssize_t read_whole(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, buf + n, size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static int check_text(const char *path, const char *text, size_t n, char *err,
		      size_t nerr)
{
	const char *nul = memchr(text, '\0', n);
	int line = 1;

	if (n > FILE_MAX) {
		(void)snprintf(err, nerr, "%s: above 1 MiB, expected less",
			       path);
		return -1;
	}
	if (nul == NULL)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	return conf_fail(err, nerr, path, line, "a NUL octet, expected text");
}

/* An empty configuration by custom. */
static bool is_null(const struct stat *sb)
{
	return S_ISCHR(sb->st_mode) && sb->st_rdev == makedev(1, 3);
}

static char *read_fd(int fd, const char *path, char *err, size_t nerr)
{
	struct stat sb;
	char *text;
	ssize_t n;

	if (fstat(fd, &sb) < 0 || (!S_ISREG(sb.st_mode) && !is_null(&sb))) {
		(void)snprintf(err, nerr,
			       "%s: no regular file, expected a configuration",
			       path);
		return NULL;
	}
	text = malloc(FILE_MAX + 2);
	if (text == NULL) {
		(void)snprintf(err, nerr, "%s: out of memory", path);
		return NULL;
	}
	n = read_whole(fd, text, FILE_MAX + 1);
	if (n < 0) {
		(void)snprintf(err, nerr, "%s: cannot be read: %s", path,
			       strerror(errno));
	} else if (check_text(path, text, (size_t)n, err, nerr) == 0) {
		text[n] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

char *conf_read_file(const char *path, char *err, size_t nerr)
{
	/* without O_NONBLOCK a FIFO would hold the daemon until it is written
	 */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text;

	if (fd < 0) {
		(void)snprintf(err, nerr, "%s: cannot be opened: %s", path,
			       strerror(errno));
		return NULL;
	}
	text = read_fd(fd, path, err, nerr);
	(void)close(fd);
	return text;
}

struct conf *conf_load(const char *file, bool asked, const char *const *opts,
		       size_t nopts, char *err, size_t nerr)
{
	struct conf_piece *pieces = calloc(nopts + 1, sizeof(*pieces));
	char(*names)[24] = calloc(nopts + 1, sizeof(*names));
	bool absent = !asked && access(file, F_OK) < 0 && errno == ENOENT;
	struct conf *c = NULL;
	char *text = NULL;
	size_t n = 0;

	if (pieces == NULL || names == NULL) {
		(void)snprintf(err, nerr, "out of memory");
		goto out;
	}
	if (!absent) {
		text = conf_read_file(file, err, nerr);
		if (text == NULL)
			goto out;
		pieces[n++] = (struct conf_piece){file, text};
	}
	for (size_t i = 0; i < nopts; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "-o %zu", i + 1);
		pieces[n++] = (struct conf_piece){names[i], opts[i]};
	}
	c = conf_parse(pieces, n, err, nerr);
out:
	free(text);
	free(names);
	free(pieces);
	return c;
}
