/* SPDX-License-Identifier: MIT */
/*
 * preload.c - tcpd-packetdrill-preload.so: code blocks of scripts call libc's
 * getsockopt() on the numbers of our sockets, past the interface.  Loaded by
 * LD_PRELOAD; without an adapter in the process it is the system call.
 */
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

preload_hook *tcpd_packetdrill_hook;

int getsockopt(int fd, int level, int name, void *restrict p,
	       socklen_t *restrict len)
{
	int r = PRELOAD_NOT_OURS;

	if (tcpd_packetdrill_hook)
		r = tcpd_packetdrill_hook(fd, level, name, p, len);
	if (r != PRELOAD_NOT_OURS)
		return r;
	return (int)syscall(SYS_getsockopt, fd, level, name, p, len);
}
