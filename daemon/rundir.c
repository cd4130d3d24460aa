/* SPDX-License-Identifier: MIT */
/*
 * rundir.c - run-dir: one tcpd each, told by a lock that ends with its holder,
 * however that ends.  What is in the lock file (a pid) is for people only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/rundir.h"

static int failed(const char *what, const char *path, char *err, size_t nerr)
{
	(void)snprintf(err, nerr, "run-dir: cannot %s %s: %s", what, path,
		       strerror(errno));
	return -1;
}

/* A directory that we make is the user's: its sockets are removed at the end
 * without root.  One that exists stays as it is. */
static int make(const struct conf *c, const struct privs *p, char *err,
		size_t nerr)
{
	struct stat st;

	if (mkdir(c->run_dir, 0755) == 0) {
		if (chmod(c->run_dir, 0755) ||
		    (p->change && chown(c->run_dir, p->uid, p->gid)))
			return failed("set up", c->run_dir, err, nerr);
		return 0;
	}
	if (errno != EEXIST)
		return failed("make", c->run_dir, err, nerr);
	if (stat(c->run_dir, &st))
		return failed("look at", c->run_dir, err, nerr);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return failed("use", c->run_dir, err, nerr);
	}
	return 0;
}

static int in_use(const struct conf *c, int fd, char *err, size_t nerr)
{
	char pid[16] = "";
	ssize_t n = read(fd, pid, sizeof(pid) - 1);

	if (n < 0)
		n = 0;
	pid[n] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	(void)snprintf(err, nerr, "run-dir: %s is in use by another tcpd%s%s",
		       c->run_dir, pid[0] ? ", pid " : "", pid);
	close(fd);
	return -1;
}

static int lock(const struct conf *c, char *err, size_t nerr)
{
	char path[sizeof(c->run_dir) + 8], pid[16];
	int fd, n;

	(void)snprintf(path, sizeof(path), "%s/lock", c->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return failed("open", path, err, nerr);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return in_use(c, fd, err, nerr);
		failed("lock", path, err, nerr);
		close(fd);
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || write(fd, pid, (size_t)n) != n) {
		failed("write", path, err, nerr);
		close(fd);
		return -1;
	}
	return fd;
}

int rundir_take(const struct conf *c, const struct privs *p, char *err,
		size_t nerr)
{
	static const char *const sockets[] = {"app.sock", "ctl.sock"};
	char path[sizeof(c->run_dir) + 16];
	struct stat st;
	int fd;

	if (make(c, p, err, nerr))
		return -1;
	fd = lock(c, err, nerr);
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", c->run_dir,
			       sockets[i]);
		if (lstat(path, &st))
			continue;
		if (!S_ISSOCK(st.st_mode)) {
			errno = EEXIST;
			failed("replace", path, err, nerr);
			close(fd);
			return -1;
		}
		unlink(path);
	}
	return fd;
}
