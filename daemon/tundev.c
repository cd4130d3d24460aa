/* SPDX-License-Identifier: MIT */
/*
 * tundev.c - getting hold of a TUN device.  A device is made if absent; one
 * that exists (persistent, ours) is used; one that is attached elsewhere is
 * an error that says to whom.  No packets here: tun.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/tundev.h"
#include "daemon/vnet.h"

#define TUN_PATH "/dev/net/tun"

/* Does descriptor |fd| of process |pid| hold the TUN |name|?  (fdinfo says
 * "iff:" for a TUN.) */
static bool holds(const char *pid, const char *fd, const char *name)
{
	char path[600], line[128], found[IFNAMSIZ];
	bool yes = false;
	ssize_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
	n = readlink(path, line, sizeof(line) - 1);
	if (n < 0)
		return false;
	line[n] = '\0';
	if (strcmp(line, TUN_PATH) != 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!yes && fgets(line, sizeof(line), f))
		yes = sscanf(line, "iff: %15s", found) == 1 &&
		      strcmp(found, name) == 0;
	(void)fclose(f);
	return yes;
}

static bool same_netns(const char *pid)
{
	struct stat ours, theirs;
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return stat("/proc/self/ns/net", &ours) == 0 &&
	       stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

/* " by NAME, pid N", or "" when it cannot be told (not ours to look at). */
static void owner(const char *name, char *buf, size_t len)
{
	struct dirent *p, *f;
	DIR *proc = opendir("/proc"), *fds;
	char path[300], comm[32] = "";
	FILE *c;

	buf[0] = '\0';
	while (proc && !buf[0] && (p = readdir(proc))) {
		if (!isdigit((unsigned char)p->d_name[0]) ||
		    !same_netns(p->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/fd", p->d_name);
		fds = opendir(path);
		while (fds && !buf[0] && (f = readdir(fds))) {
			if (!holds(p->d_name, f->d_name, name))
				continue;
			(void)snprintf(path, sizeof(path), "/proc/%s/comm",
				       p->d_name);
			c = fopen(path, "re");
			if (c && fgets(comm, sizeof(comm), c))
				comm[strcspn(comm, "\n")] = '\0';
			if (c)
				(void)fclose(c);
			(void)snprintf(buf, len, " by %s, pid %.20s", comm,
				       p->d_name);
		}
		if (fds)
			closedir(fds);
	}
	if (proc)
		closedir(proc);
}

static int attach(struct tundev *t)
{
	struct ifreq ifr = {0};

	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	ifr.ifr_flags =
		(short)(IFF_TUN | IFF_NO_PI | (t->vnet ? IFF_VNET_HDR : 0));
	if (ioctl(t->fd, TUNSETIFF, &ifr))
		return errno;
	memcpy(t->name, ifr.ifr_name, sizeof(t->name));
	return 0;
}

/* A persistent device remembers what its last user had switched on. */
static int set_offload(struct tundev *t)
{
	static const unsigned levels[] = {
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
		TUN_F_CSUM,
		0,
	};
	int size = VNET_LEN;

	if (t->vnet && ioctl(t->fd, TUNSETVNETHDRSZ, &size))
		return errno;
	if (!t->vnet || !t->offload)
		return ioctl(t->fd, TUNSETOFFLOAD, 0UL) ? errno : 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)levels[i]) == 0)
			return 0;
	return errno;
}

int tundev_attach(struct tundev *t)
{
	int rc = attach(t);

	return rc ? rc : set_offload(t);
}

static void say_attach(const struct tundev *t, int rc, char *err, size_t nerr)
{
	char who[80];

	switch (rc) {
	case EBUSY:
		owner(t->name, who, sizeof(who));
		(void)snprintf(err, nerr, "tun: interface %s is in use%s",
			       t->name, who[0] ? who : " by another process");
		break;
	case EPERM:
		(void)snprintf(
			err, nerr,
			"tun: no right to make or use interface %s: run as "
			"root, or let root run 'ip tuntap add dev %s mode tun "
			"user NAME', or pass one with --tun-fd",
			t->name, t->name);
		break;
	case EINVAL:
		(void)snprintf(
			err, nerr,
			"tun: interface %s cannot be used (TUNSETIFF: "
			"Invalid argument), expected a TUN device or a name "
			"that is free",
			t->name);
		break;
	default:
		(void)snprintf(err, nerr, "tun: interface %s: TUNSETIFF: %s",
			       t->name, strerror(rc));
	}
}

int tundev_open(struct tundev *t, const char *name, bool offload, char *err,
		size_t nerr)
{
	unsigned features = 0;
	int rc;

	*t = (struct tundev){.offload = offload};
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0) {
		(void)snprintf(
			err, nerr, "tun: cannot open %s: %s%s", TUN_PATH,
			strerror(errno),
			errno == EACCES || errno == EPERM
				? " (run as root, make it 0666, or pass an "
				  "open "
				  "TUN with --tun-fd)"
				: "");
		return -1;
	}
	if (ioctl(t->fd, TUNGETFEATURES, &features))
		features = 0;
	t->vnet = offload && (features & IFF_VNET_HDR);
	rc = attach(t);
	if (rc)
		say_attach(t, rc, err, nerr);
	else if ((rc = set_offload(t)))
		(void)snprintf(err, nerr,
			       "tun: interface %s: TUNSETOFFLOAD: %s", t->name,
			       strerror(rc));
	if (rc) {
		close(t->fd);
		t->fd = -1;
		return -1;
	}
	return 0;
}

/* TUNGETIFF cannot tell: it has IFF_NOFILTER where IFF_NO_PI would be.  Where
 * /sys is not there either, the opener is believed. */
static bool has_packet_info(const char *name)
{
	char path[64], text[16] = "";
	unsigned long flags;
	char *end;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	(void)fclose(f);
	flags = strtoul(text, &end, 16);
	return end != text && !(flags & IFF_NO_PI);
}

int tundev_adopt(struct tundev *t, int fd, bool offload, char *err, size_t nerr)
{
	struct ifreq ifr = {0};
	int flags, rc;

	*t = (struct tundev){.fd = fd, .offload = offload};
	if (ioctl(fd, TUNGETIFF, &ifr)) {
		(void)snprintf(
			err, nerr,
			"--tun-fd %d: %s, expected an open TUN device that is "
			"attached to an interface",
			fd, strerror(errno));
		return -1;
	}
	memcpy(t->name, ifr.ifr_name, sizeof(t->name));
	if (!(ifr.ifr_flags & IFF_TUN) || has_packet_info(t->name)) {
		(void)snprintf(err, nerr,
			       "--tun-fd %d: interface %s was opened without "
			       "IFF_TUN|IFF_NO_PI, expected both",
			       fd, t->name);
		return -1;
	}
	/* The header is the opener's choice, what it may say is ours. */
	t->vnet = ifr.ifr_flags & IFF_VNET_HDR;
	rc = set_offload(t);
	flags = fcntl(fd, F_GETFL);
	if (!rc && (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC)))
		rc = errno;
	if (rc) {
		(void)snprintf(err, nerr, "--tun-fd %d: interface %s: %s", fd,
			       t->name, strerror(rc));
		return -1;
	}
	return 0;
}
