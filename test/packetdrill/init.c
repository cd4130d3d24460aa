/* SPDX-License-Identifier: MIT */
/*
 * init.c - packetdrill_interface_init(): flags, backend, table.  A wrong flag
 * ends the process with one line: packetdrill takes no answer.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "iface.h"
#include "preload.h"
#include "real.h"
#include "world.h"

static struct world world;
static pid_t pid; /* whose world it is: not that of a forked child */

static void refuse(const char *why)
{
	(void)fprintf(stderr, "tcpd-packetdrill: %s\n", why);
	exit(1);
}

/* When a script fails, packetdrill exits without calling free. */
static void end(void)
{
	if (pid == getpid() && world.st)
		world_end(&world);
	pid = 0;
}

static void do_free(void *u)
{
	(void)u;
	end();
}

static int ask(int fd, int level, int name, void *p, socklen_t *len)
{
	if (pid != getpid() || fd < 0 || fd >= WORLD_FDS || !world.sock[fd])
		return PRELOAD_NOT_OURS;
	return call_getsockopt(&world, fd, level, name, p, len);
}

void packetdrill_interface_init(const char *flags,
				struct packetdrill_interface *ifc)
{
	const char *why;
	preload_hook **hook = dlsym(RTLD_DEFAULT, PRELOAD_HOOK);
	static bool told;

	world = (struct world){0};
	why = flags_parse(&world.flags, flags);
	if (why)
		refuse(why);
	if (world.flags.daemon) {
		why = real_start(&world.flags, ifc, hook);
		if (why)
			refuse(why);
		return;
	}
	why = world_start(&world);
	if (why)
		refuse(why);
	pid = getpid();
	if (!told)
		(void)atexit(end);
	told = true;
	if (hook)
		*hook = ask;
	ifc->userdata = &world;
	ifc->free = do_free;
	call_open_fill(ifc);
	call_io_fill(ifc);
	call_opt_fill(ifc);
	call_poll_fill(ifc);
	call_net_fill(ifc);
}
