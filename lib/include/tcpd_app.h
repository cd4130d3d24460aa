/* SPDX-License-Identifier: MIT */
/*
 * tcpd_app.h - connections of a running tcpd as ordinary file descriptors.
 *
 * The calls are those of the socket interface with a prefix: same arguments,
 * same results, -1 and errno on failure.  What they give is a real fd: read,
 * write, readv, poll, select, epoll, shutdown, close, fcntl, dup, fork,
 * sendfile and SCM_RIGHTS are the kernel's own and need nothing of this
 * library.  Only the calls below must come from here.
 *
 * The daemon is found at $TCPD_APP (the path of app.sock), else at app.sock
 * beside $TCPD_CTL, else at /run/tcpd/app.sock; a program that runs with
 * another's privileges (setuid) ignores both variables.
 *
 * Every call is safe in threads, after fork, and on a dup of an fd: the
 * library keeps no state but errno.  A call that asks the daemon blocks until
 * it answers, on a non-blocking fd too (some 15 us); each says so below.
 *
 * Errors that any call can give, beside those named there:
 *	ENOTSOCK, ENOTTY	the fd is none of tcpd's
 *	EBADF			no open fd
 *	ENOENT, ECONNREFUSED, EACCES	no daemon at that path, or no right
 *				to speak to it (calls that ask the daemon)
 *	EPROTONOSUPPORT		the daemon speaks another major version
 *	EPROTO			its answer made no sense
 *	EMFILE, ENFILE		no fd is left for the call or its result
 *
 * What a program sees at the ends of a connection: read gives 0 after the
 * peer's FIN.  After any other end read gives what was queued, then
 * ECONNRESET; SO_ERROR (tcpd_app_getsockopt) gives the true cause.  The first
 * write after a reset fails with EPIPE and SIGPIPE.  close() with everything
 * read sends FIN; with data unread it sends RST.  doc/sockopts.md lists every
 * difference to a kernel socket.
 */
#ifndef TCPD_APP_H
#define TCPD_APP_H

#include <stddef.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A socket in CLOSED.  |domain| AF_INET or AF_INET6; |type| SOCK_STREAM, with
 * SOCK_NONBLOCK and SOCK_CLOEXEC as wanted; |protocol| 0 or IPPROTO_TCP.
 * Returns the fd, which the caller closes.  Asks the daemon.
 * EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT: anything else; EACCES: no
 * allow rule names the user; EMFILE: the user's limit of sockets is reached.
 */
int tcpd_app_socket(int domain, int type, int protocol);

/*
 * Give it a local address: |sa| a sockaddr_in, or a sockaddr_in6 (also of an
 * IPv4-mapped address) on an AF_INET6 socket; address 0 is any, port 0 takes
 * an ephemeral one.  Asks the daemon.
 * EADDRINUSE: another socket, connection or TIME-WAIT entry has it, by the
 * rules of bind(2) for SO_REUSEADDR and SO_REUSEPORT, or no port is left;
 * EADDRNOTAVAIL: no address of the stack; EACCES: no allow rule covers it;
 * EINVAL: bound already or |len| too small; EAFNOSUPPORT.
 */
int tcpd_app_bind(int fd, const struct sockaddr *sa, socklen_t len);

/*
 * Make it a listener.  |backlog|: connections that may wait to be accepted,
 * at most what the daemon's configuration allows; below 1 counts as 1.  From
 * here on the fd is readable when a connection waits.  A second call changes
 * the backlog.  Not bound before: an ephemeral port.  Asks the daemon.
 * EADDRINUSE, EACCES, EINVAL: connects or is connected.
 */
int tcpd_app_listen(int fd, int backlog);

/*
 * The oldest connection that waits: its fd, which the caller closes.  Blocks
 * unless O_NONBLOCK is set on |fd|.  |sa| and |*len| (both may be NULL) as
 * in accept(2); |flags| SOCK_NONBLOCK and SOCK_CLOEXEC, others are EINVAL.
 * Several threads and processes may accept on one fd.  Does not ask the
 * daemon.
 * EAGAIN: none waits; EINVAL: not a listener; ECONNRESET: the daemon is gone;
 * EINTR.
 */
int tcpd_app_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags);

/*
 * Connect.  On a blocking fd it returns when the handshake is done: 0, or -1
 * and the true cause (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH).
 * On a non-blocking one it returns -1 and EINPROGRESS; the fd becomes
 * writable at the end of the handshake, and SO_ERROR tells how that went.
 * The fd stays the same, so it may be in an epoll set before.  Asks the
 * daemon.
 * EISCONN, EALREADY as connect(2); EINTR: the handshake goes on, wait for
 * writability; EADDRNOTAVAIL: no port left, or the four numbers of the bound
 * socket and the peer are in use; EACCES: no allow rule covers the
 * local address; ECONNABORTED: an earlier attempt on this fd had failed.
 */
int tcpd_app_connect(int fd, const struct sockaddr *sa, socklen_t len);

/*
 * Its own address and its peer's, in the form of the domain of the socket.
 * |*len|: room in |sa|, then the length of the address (which is cut to the
 * room, as getsockname(2) does).  Connections and listeners answer from the
 * fd itself, in less than a microsecond; other sockets ask the daemon.
 * ENOTCONN: it has no peer (yet).
 */
int tcpd_app_getsockname(int fd, struct sockaddr *sa, socklen_t *len);
int tcpd_app_getpeername(int fd, struct sockaddr *sa, socklen_t *len);

/*
 * Options, with the levels, names and values of setsockopt(2); the table is
 * doc/sockopts.md.  SO_ERROR gives the errno that ended the connection, once.
 * SO_RCVTIMEO, SO_SNDTIMEO and SO_RCVLOWAT go to the kernel's socket; all
 * others ask the daemon, and what was written before the call goes before it.
 * ENOPROTOOPT: no such option in this version; EINVAL: a value out of range
 * or |len| too small; ENOTCONN: only a connection has it.
 */
int tcpd_app_setsockopt(int fd, int level, int option, const void *value,
			socklen_t len);
int tcpd_app_getsockopt(int fd, int level, int option, void *value,
			socklen_t *len);

/*
 * What waits: |request| SIOCINQ (octets to be read), SIOCOUTQ (octets written
 * and not acknowledged, and the FIN) or SIOCOUTQNSD (octets never sent), of fd
 * and stack together, to |*value|.  The kernel's ioctl on the fd knows of the
 * fd alone.  Asks the daemon.  EINVAL: another request, or no connection.
 */
int tcpd_app_ioctl(int fd, unsigned long request, int *value);

/*
 * send(2) with its flags: MSG_MORE (more follows at once: what does not fill a
 * segment waits for it, 200 ms at most), MSG_EOR (a record ends: no segment
 * holds octets from both sides), MSG_DONTWAIT, MSG_NOSIGNAL and MSG_OOB, this
 * one not with the first two.  What was written to the fd before goes before,
 * what is written after the call goes after.  With MSG_MORE or MSG_EOR it asks
 * the daemon, once for each 2048 octets; otherwise it is the kernel's send.
 * While the send buffer is full the octets wait in the fd; what other threads
 * write or send just then may come under the flags, or undo them.
 * EOPNOTSUPP: another flag (MSG_FASTOPEN, MSG_ZEROCOPY), or a daemon that
 * knows no such request; ENOTCONN: a listener, or never connected; EAGAIN,
 * EPIPE (with SIGPIPE), EINTR as send(2); ENOBUFS, ENOMEM: too many sends
 * with flags wait in the fd.
 */
ssize_t tcpd_app_send(int fd, const void *buf, size_t len, int flags);

/*
 * End a connection by RST at once: what was not sent yet is dropped.  Reads
 * then give ECONNRESET, SO_ERROR ECONNABORTED.  |fd| stays open: the caller
 * closes it.  A listener: its connections that wait get RST.  Asks the
 * daemon.  ENOTCONN: there is nothing to end.
 */
int tcpd_app_abort(int fd);

#ifdef __cplusplus
}
#endif

#endif /* TCPD_APP_H */
