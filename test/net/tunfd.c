/* SPDX-License-Identifier: MIT */
/*
 * tunfd.c - what a service manager does for a tcpd without rights: opens the
 * TUN and hands it on.
 *
 *	tunfd NAME FLAGS PROG ARG...
 *
 * FLAGS: letters, v with virtio-net header, p with packet information (which
 * tcpd refuses), - none.  PROG finds the device as descriptor 3.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct ifreq ifr = {0};
	int fd, flags = IFF_TUN;

	if (argc < 4)
		errx(2, "usage: tunfd NAME FLAGS PROG ARG...");
	if (strchr(argv[2], 'v'))
		flags |= IFF_VNET_HDR;
	if (!strchr(argv[2], 'p'))
		flags |= IFF_NO_PI;
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0)
		err(1, "/dev/net/tun");
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	ifr.ifr_flags = (short)flags;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		err(1, "TUNSETIFF");
	if (fd != 3 && (dup2(fd, 3) < 0 || close(fd) < 0))
		err(1, "dup2");
	execv(argv[3], argv + 3);
	err(1, "%s", argv[3]);
}
