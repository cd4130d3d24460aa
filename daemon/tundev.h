/* SPDX-License-Identifier: MIT */
/* tundev.h - getting hold of a TUN device: the ioctls, and who else has it. */
#ifndef DAEMON_TUNDEV_H
#define DAEMON_TUNDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct tundev {
	int fd;
	char name[IFNAMSIZ];
	bool offload; /* checksums and segmentation may be left to it */
	bool vnet;    /* packets carry a virtio-net header of VNET_LEN octets */
};

/* Open and attach, non-blocking; |offload|: with header where the kernel has
 * it.  0, or -1 and one line of |err|. */
int tundev_open(struct tundev *t, const char *name, bool offload, char *err,
		size_t nerr);

/* The same for an open and attached |fd| (--tun-fd). */
int tundev_adopt(struct tundev *t, int fd, bool offload, char *err,
		 size_t nerr);

/* After the device was deleted: attach the same descriptor again.  0 or an
 * errno. */
int tundev_attach(struct tundev *t);

#endif /* DAEMON_TUNDEV_H */
