/* SPDX-License-Identifier: MIT */
/*
 * notify.c - the protocol of sd_notify(3) by hand: one datagram of lines to
 * the socket that $NOTIFY_SOCKET names.  Without it, or when nobody listens,
 * nothing happens.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "daemon/thread.h"

static void tell(const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)!sendto(
		fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void notify_ready(void)
{
	tell("READY=1\nSTATUS=serving\n");
}

void notify_reloading(void)
{
	char text[80];

	(void)snprintf(text, sizeof(text),
		       "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
		       mono_now() / 1000);
	tell(text);
}

void notify_stopping(void)
{
	tell("STOPPING=1\nSTATUS=closing connections\n");
}
