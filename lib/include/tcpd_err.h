/* SPDX-License-Identifier: MIT */
/*
 * tcpd_err.h - what a call can answer.  One row an error: its name, the errno
 * that a program on the host sees for it, and the text (RFC 9293, 3.10 where
 * it has one).  Calls return 0 or a count, or -TCPD_ERR_name.
 *
 * The errno stands as a bare word: lib/ has no errno.h; who includes it may
 * expand it.
 */
#ifndef TCPD_ERR_H
#define TCPD_ERR_H

/* clang-format off */
#define TCPD_ERRORS(X) \
	X(HANDLE,       EBADF,         "connection does not exist") \
	X(EXISTS,       EISCONN,       "connection already exists") \
	X(OPENING,      EALREADY,      "connection is being opened") \
	X(CLOSING,      EPIPE,         "connection closing") \
	X(NOT_OPEN,     ENOTCONN,      "connection is not open") \
	X(REFUSED,      ECONNREFUSED,  "connection refused") \
	X(RESET,        ECONNRESET,    "connection reset") \
	X(TIMEOUT,      ETIMEDOUT,     "connection aborted due to user timeout") \
	X(HOST_UNREACH, EHOSTUNREACH,  "host unreachable") \
	X(NET_UNREACH,  ENETUNREACH,   "network unreachable") \
	X(IN_USE,       EADDRINUSE,    "local socket in use") \
	X(NOT_OURS,     EADDRNOTAVAIL, "local socket not allowed: not an address of the stack") \
	X(NO_PORT,      EADDRNOTAVAIL, "insufficient resources: no free port") \
	X(RESOURCES,    ENOBUFS,       "insufficient resources") \
	X(NO_PEER,      EDESTADDRREQ,  "remote socket unspecified") \
	X(FAMILY,       EAFNOSUPPORT,  "address families differ") \
	X(AGAIN,        EAGAIN,        "nothing there yet") \
	X(INVALID,      EINVAL,        "illegal parameter") \
	X(OPTION,       ENOPROTOOPT,   "no such option") \
	X(SPACE,        EMSGSIZE,      "record does not fit the buffer") \
	X(RECORD,       EPROTO,        "record is damaged or of another version")
/* clang-format on */

enum tcpd_err {
	TCPD_OK,
#define X(name, err, text) TCPD_ERR_##name,
	TCPD_ERRORS(X)
#undef X
		TCPD_NERRS
};

/* Name ("REFUSED") and text of an error, with or without its minus sign. */
const char *tcpd_err_name(int err);
const char *tcpd_err_text(int err);

#endif /* TCPD_ERR_H */
