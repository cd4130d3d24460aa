/* SPDX-License-Identifier: MIT */
/*
 * real.c - the interface's functions for backend daemon.  libtcpd-app opens
 * and names; all data calls are the kernel's own on the fds that it gives.
 * What an fd cannot carry (doc/sockopts.md) is told here: flags of send, and
 * SHUT_RD, after which Linux's TCP takes and delivers data as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "real.h"
#include "tcpd_app.h"

static struct real real;

static int keep(int fd)
{
	if (fd >= REAL_FDS) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	if (fd >= 0) {
		real.ours[fd] = true;
		real.rd_shut[fd] = false;
	}
	return fd;
}

static bool is_shut(int fd)
{
	return fd >= 0 && fd < REAL_FDS && real.rd_shut[fd];
}

static void do_free(void *u)
{
	(void)u;
	close(real.packets);
	close(real.sync);
}

static int do_socket(void *u, int domain, int type, int protocol)
{
	(void)u;
	return keep(tcpd_app_socket(domain, type, protocol));
}

static int do_bind(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)u;
	return tcpd_app_bind(fd, sa, len);
}

static int do_listen(void *u, int fd, int backlog)
{
	(void)u;
	return tcpd_app_listen(fd, backlog);
}

static int do_accept(void *u, int fd, struct sockaddr *sa, socklen_t *len)
{
	(void)u;
	return keep(tcpd_app_accept(fd, sa, len, 0));
}

static int do_connect(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)u;
	return tcpd_app_connect(fd, sa, len);
}

static int do_close(void *u, int fd)
{
	(void)u;
	if (fd >= 0 && fd < REAL_FDS)
		real.ours[fd] = real.rd_shut[fd] = false;
	return close(fd);
}

static int do_shutdown(void *u, int fd, int how)
{
	(void)u;
	if (how != SHUT_WR && fd >= 0 && fd < REAL_FDS)
		real.rd_shut[fd] = true;
	return how == SHUT_RD ? 0 : shutdown(fd, SHUT_WR);
}

/* Nobody waits for what may never come: there is nothing, that is the end. */
static ssize_t ended(int fd, ssize_t r)
{
	if (r < 0 && errno == EAGAIN && is_shut(fd))
		return 0;
	return r;
}

static int flags_of(int fd, int flags)
{
	return is_shut(fd) ? flags | MSG_DONTWAIT : flags;
}

static ssize_t do_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
	(void)u;
	return ended(fd, recvmsg(fd, m, flags_of(fd, flags)));
}

static ssize_t do_recvfrom(void *u, int fd, void *p, size_t n, int flags,
			   struct sockaddr *sa, socklen_t *len)
{
	(void)u;
	(void)sa;
	if (len)
		*len = 0;
	return ended(fd, recv(fd, p, n, flags_of(fd, flags)));
}

static ssize_t do_recv(void *u, int fd, void *p, size_t n, int flags)
{
	return do_recvfrom(u, fd, p, n, flags, NULL, NULL);
}

static ssize_t do_read(void *u, int fd, void *p, size_t n)
{
	return do_recv(u, fd, p, n, 0);
}

static ssize_t do_readv(void *u, int fd, const struct iovec *v, int n)
{
	struct msghdr m = {.msg_iovlen = (size_t)n};

	memcpy(&m.msg_iov, &v, sizeof(v));
	return do_recvmsg(u, fd, &m, 0);
}

/* Flags that only TCP knows would be taken for something else. */
static int send_flags(int flags)
{
	return (flags & ~(MSG_MORE | MSG_EOR)) | MSG_NOSIGNAL;
}

static ssize_t do_send(void *u, int fd, const void *p, size_t n, int flags)
{
	(void)u;
	if (flags & (MSG_FASTOPEN | MSG_ZEROCOPY)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return send(fd, p, n, send_flags(flags));
}

static ssize_t do_write(void *u, int fd, const void *p, size_t n)
{
	return do_send(u, fd, p, n, 0);
}

static ssize_t do_sendto(void *u, int fd, const void *p, size_t n, int flags,
			 const struct sockaddr *sa, socklen_t len)
{
	(void)sa;
	(void)len;
	return do_send(u, fd, p, n, flags);
}

static ssize_t do_writev(void *u, int fd, const struct iovec *v, int n)
{
	(void)u;
	return writev(fd, v, n);
}

static ssize_t do_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
	(void)u;
	return sendmsg(fd, m, send_flags(flags));
}

static int do_fcntl(void *u, int fd, int cmd, ...)
{
	va_list ap;
	int arg = 0;

	(void)u;
	if (cmd == F_SETFL) {
		va_start(ap, cmd);
		arg = va_arg(ap, int);
		va_end(ap);
	}
	return fcntl(fd, cmd, arg);
}

static int do_ioctl(void *u, int fd, unsigned long req, ...)
{
	va_list ap;
	int *out;

	(void)u;
	va_start(ap, req);
	out = va_arg(ap, int *);
	va_end(ap);
	return ioctl(fd, req, out);
}

static int do_setsockopt(void *u, int fd, int level, int name, const void *p,
			 socklen_t len)
{
	(void)u;
	return tcpd_app_setsockopt(fd, level, name, p, len);
}

static int do_getsockopt(void *u, int fd, int level, int name, void *p,
			 socklen_t *len)
{
	(void)u;
	return tcpd_app_getsockopt(fd, level, name, p, len);
}

static int do_poll(void *u, struct pollfd *p, nfds_t n, int ms)
{
	(void)u;
	return poll(p, n, ms);
}

static int do_epoll_create(void *u, int size)
{
	(void)u;
	return epoll_create(size);
}

static int do_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *ev)
{
	(void)u;
	return epoll_ctl(ep, op, fd, ev);
}

static int do_epoll_wait(void *u, int ep, struct epoll_event *ev, int max,
			 int ms)
{
	(void)u;
	return epoll_wait(ep, ev, max, ms);
}

static int do_pipe(void *u, int fd[2])
{
	(void)u;
	return pipe(fd);
}

static int do_splice(void *u, int in, loff_t *off_in, int out, loff_t *off_out,
		     size_t n, unsigned flags)
{
	(void)u, (void)in, (void)off_in, (void)out, (void)off_out, (void)n;
	(void)flags;
	errno = EINVAL; /* as in backend lib: packetdrill's pointers are wrong
			 */
	return -1;
}

/* Code in scripts asks for three structures, and wants all of them. */
static int ask(int fd, int level, int name, void *p, socklen_t *len)
{
	if (fd < 0 || fd >= REAL_FDS || !real.ours[fd])
		return PRELOAD_NOT_OURS;
	if ((level == IPPROTO_TCP && name == TCP_CC_INFO) ||
	    (level == SOL_SOCKET && name == SO_MEMINFO)) {
		memset(p, 0, *len);
		return 0;
	}
	return tcpd_app_getsockopt(fd, level, name, p, len);
}

static const struct packetdrill_interface table = {
	.userdata = &real,
	.free = do_free,
	.socket = do_socket,
	.bind = do_bind,
	.listen = do_listen,
	.accept = do_accept,
	.connect = do_connect,
	.read = do_read,
	.readv = do_readv,
	.recv = do_recv,
	.recvfrom = do_recvfrom,
	.recvmsg = do_recvmsg,
	.write = do_write,
	.writev = do_writev,
	.send = do_send,
	.sendto = do_sendto,
	.sendmsg = do_sendmsg,
	.fcntl = do_fcntl,
	.ioctl = do_ioctl,
	.close = do_close,
	.shutdown = do_shutdown,
	.getsockopt = do_getsockopt,
	.setsockopt = do_setsockopt,
	.poll = do_poll,
	.epoll_create = do_epoll_create,
	.epoll_ctl = do_epoll_ctl,
	.epoll_wait = do_epoll_wait,
	.pipe = do_pipe,
	.splice = do_splice,
};

const char *real_start(const struct flags *f, struct packetdrill_interface *ifc,
		       preload_hook **hook)
{
	const char *why;

	if (f->ctl[0] && setenv("TCPD_CTL", f->ctl, 1))
		return "no memory";
	why = real_net_start(&real, f->tun);
	if (why)
		return why;
	real.sync = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);
	if (real.sync < 0)
		return "no tcpd answers: ctl=PATH of its ctl.sock";
	*ifc = table;
	real_net_fill(ifc);
	if (hook)
		*hook = ask;
	return NULL;
}
