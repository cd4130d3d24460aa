/* SPDX-License-Identifier: MIT */
/*
 * iface.h - the table of functions by which packetdrill drives a stack that
 * is not the kernel's: 33 members, filled by packetdrill_interface_init().
 * Each takes |userdata| first and gives what the system call of its name
 * gives, with errno.
 */
#ifndef PACKETDRILL_IFACE_H
#define PACKETDRILL_IFACE_H

#include <assert.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
	void *userdata;
	void (*free)(void *u);
	int (*socket)(void *u, int domain, int type, int protocol);
	int (*bind)(void *u, int fd, const struct sockaddr *sa, socklen_t len);
	int (*listen)(void *u, int fd, int backlog);
	int (*accept)(void *u, int fd, struct sockaddr *sa, socklen_t *len);
	int (*connect)(void *u, int fd, const struct sockaddr *sa,
		       socklen_t len);
	ssize_t (*read)(void *u, int fd, void *p, size_t n);
	ssize_t (*readv)(void *u, int fd, const struct iovec *v, int n);
	ssize_t (*recv)(void *u, int fd, void *p, size_t n, int flags);
	ssize_t (*recvfrom)(void *u, int fd, void *p, size_t n, int flags,
			    struct sockaddr *sa, socklen_t *len);
	ssize_t (*recvmsg)(void *u, int fd, struct msghdr *m, int flags);
	ssize_t (*write)(void *u, int fd, const void *p, size_t n);
	ssize_t (*writev)(void *u, int fd, const struct iovec *v, int n);
	ssize_t (*send)(void *u, int fd, const void *p, size_t n, int flags);
	ssize_t (*sendto)(void *u, int fd, const void *p, size_t n, int flags,
			  const struct sockaddr *sa, socklen_t len);
	ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *m, int flags);
	int (*fcntl)(void *u, int fd, int cmd, ...);
	int (*ioctl)(void *u, int fd, unsigned long req, ...);
	int (*close)(void *u, int fd);
	int (*shutdown)(void *u, int fd, int how);
	int (*getsockopt)(void *u, int fd, int level, int name, void *p,
			  socklen_t *len);
	int (*setsockopt)(void *u, int fd, int level, int name, const void *p,
			  socklen_t len);
	int (*poll)(void *u, struct pollfd *p, nfds_t n, int ms);
	/* one bare IP packet for the stack */
	int (*netdev_send)(void *u, const void *p, size_t n);
	/* the next one from it; |*n|: room, then length; |*us|: when it left */
	int (*netdev_receive)(void *u, void *p, size_t *n, long long *us);
	int (*usleep)(void *u, useconds_t us);
	int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);
	int (*epoll_create)(void *u, int size);
	int (*epoll_ctl)(void *u, int ep, int op, int fd,
			 struct epoll_event *ev);
	int (*epoll_wait)(void *u, int ep, struct epoll_event *ev, int max,
			  int ms);
	int (*pipe)(void *u, int fd[2]);
	int (*splice)(void *u, int in, loff_t *off_in, int out, loff_t *off_out,
		      size_t n, unsigned flags);
};

static_assert(sizeof(void *) != 8 ||
		      (sizeof(struct packetdrill_interface) == 264 &&
		       offsetof(struct packetdrill_interface, accept) == 40 &&
		       offsetof(struct packetdrill_interface, fcntl) == 136 &&
		       offsetof(struct packetdrill_interface, netdev_send) ==
			       192 &&
		       offsetof(struct packetdrill_interface, splice) == 256),
	      "packetdrill has another layout");

void packetdrill_interface_init(const char *flags,
				struct packetdrill_interface *ifc);

#endif /* PACKETDRILL_IFACE_H */
