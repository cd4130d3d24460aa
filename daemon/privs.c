/* SPDX-License-Identifier: MIT */
/*
 * privs.c - from root to tcpd's user.  Nothing is kept: what needs a right
 * (TUN, addresses, sockets) is done before.  Not root: tcpd stays who it is,
 * and only gives up what it might still gain.
 */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/privs.h"

#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECK \
	1 /* LeakSanitizer traces the process, so it must be dumpable */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECK 1
#endif
#endif
#ifndef LEAK_CHECK
#define LEAK_CHECK 0
#endif

static int find_as_root(struct privs *p, const struct conf *c, char *err,
			size_t nerr)
{
	const struct passwd *pw = getpwnam(c->user);
	const struct group *gr;

	if (!pw) {
		(void)snprintf(
			err, nerr,
			"user: there is no user '%s', expected one that "
			"exists: make it ('useradd --system %s') or name "
			"another ('user = nobody')",
			c->user, c->user);
		return 2;
	}
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	/* The default group goes with the default user only. */
	if (c->user_set && !c->group_set)
		return 0;
	gr = getgrnam(c->group);
	if (!gr) {
		(void)snprintf(
			err, nerr,
			"group: there is no group '%s', expected one that "
			"exists: make it ('groupadd --system %s') or name "
			"another",
			c->group, c->group);
		return 2;
	}
	p->gid = gr->gr_gid;
	return 0;
}

int privs_find(struct privs *p, const struct conf *c, char *err, size_t nerr)
{
	const struct passwd *pw;
	const struct group *gr;

	*p = (struct privs){.uid = geteuid(), .gid = getegid()};
	if (p->uid == 0) {
		p->change = true;
		return find_as_root(p, c, err, nerr);
	}
	pw = c->user_set ? getpwnam(c->user) : NULL;
	if (c->user_set && (!pw || pw->pw_uid != p->uid)) {
		(void)snprintf(
			err, nerr,
			"user: cannot become '%s' without root, expected no "
			"'user', or that of uid %u",
			c->user, (unsigned)p->uid);
		return 2;
	}
	gr = c->group_set ? getgrnam(c->group) : NULL;
	if (c->group_set && (!gr || gr->gr_gid != p->gid)) {
		(void)snprintf(
			err, nerr,
			"group: cannot become '%s' without root, expected no "
			"'group', or that of gid %u",
			c->group, (unsigned)p->gid);
		return 2;
	}
	return 0;
}

static bool failed(const char *call, char *err, size_t nerr)
{
	(void)snprintf(err, nerr, "cannot give up privileges: %s: %s", call,
		       strerror(errno));
	return false;
}

bool privs_drop(const struct privs *p, char *err, size_t nerr)
{
	if (p->change) {
		/* The bounding set first: emptying it needs CAP_SETPCAP. */
		capng_clear(CAPNG_SELECT_BOTH);
		if (capng_apply(CAPNG_SELECT_BOUNDS))
			return failed("PR_CAPBSET_DROP", err, nerr);
		if (setgroups(0, NULL))
			return failed("setgroups", err, nerr);
		if (setresgid(p->gid, p->gid, p->gid))
			return failed("setresgid", err, nerr);
		if (setresuid(p->uid, p->uid, p->uid))
			return failed("setresuid", err, nerr);
	}
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return failed("capset", err, nerr);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return failed("PR_CAP_AMBIENT", err, nerr);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return failed("PR_SET_NO_NEW_PRIVS", err, nerr);
	if (prctl(PR_SET_DUMPABLE, LEAK_CHECK, 0, 0, 0))
		return failed("PR_SET_DUMPABLE", err, nerr);
	/* Ids that could be had back would make all of this a show. */
	if (p->change && p->uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return failed("setuid: root came back", err, nerr);
	}
	return true;
}
