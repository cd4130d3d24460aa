/* SPDX-License-Identifier: MIT */
/*
 * proto.h - the control protocol of app.sock: frames <-> values.
 *
 * A message is a header of 16 octets and TLVs; a reply has an i32 errno
 * between the two.  Everything is in the machine's own order, since both ends
 * are on one machine.  This file knows the tables and the bounds; it moves no
 * octet between processes and knows no file descriptor.  doc/protocol.md
 * tells the same to people and is checked against these tables.
 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_MAGIC	   0x7463u /* "tc" */
#define PROTO_MAJOR	   1u
#define PROTO_MINOR	   1u
#define PROTO_MAX	   4096u /* octets of a message, header included */
#define PROTO_HDR	   16u
#define PROTO_ADDR_LEN	   20u
#define PROTO_VALUE_MAX	   1024u
#define PROTO_DATA_MAX	   2048u
#define PROTO_VERSION_MAX  64u

/* A level of options that no kernel has: what tcpd_app_ioctl() asks. */
#define PROTO_LEVEL_QUEUES 0x74637064u
enum proto_queue {
	PROTO_QUEUE_SIOCINQ = 1,
	PROTO_QUEUE_SIOCOUTQ,
	PROTO_QUEUE_SIOCOUTQNSD
};

/* FLAGS of SEND: the first two are enum tcpd_send_flags. */
enum proto_send_flags {
	PROTO_SEND_MORE = 1u << 0,
	PROTO_SEND_EOR = 1u << 1,
	PROTO_SEND_MARK = 1u << 2 /* or mark what will be written instead */
};

/* clang-format off */
/* name, number, fds with the request, fds with the reply, what it does */
#define PROTO_OPS(X) \
	X(HELLO,   1, 0, 0, "who is there: the daemon's version") \
	X(SOCKET,  2, 0, 1, "a socket in CLOSED; the reply carries its fd") \
	X(BIND,    3, 1, 0, "give it a local address; the reply tells the port") \
	X(LISTEN,  4, 1, 0, "make it a listener: its fd becomes the accept queue") \
	X(CONNECT, 5, 1, 0, "begin to connect: the fd becomes writable when that is done") \
	X(NAME,    6, 1, 0, "its local address and, when it has one, its peer") \
	X(SETOPT,  7, 1, 0, "set a socket option") \
	X(GETOPT,  8, 1, 0, "read a socket option; SO_ERROR is cleared by it") \
	X(ABORT,   9, 1, 0, "RST, without sending what waits") \
	X(SEND,   10, 1, 0, "octets with flags, behind what was written")

/* name, number, shortest and longest value, what it holds */
#define PROTO_TLVS(X) \
	X(DOMAIN,  1, 1, 1,    "u8: 4 (AF_INET) or 6 (AF_INET6)") \
	X(LOCAL,   2, 20, 20,  "address: u8 family (4, 6, 0: both), u8 0, u16 port, 16 octets of IP") \
	X(PEER,    3, 20, 20,  "address, as LOCAL") \
	X(BACKLOG, 4, 4, 4,    "u32: connections that may wait to be accepted") \
	X(LEVEL,   5, 4, 4,    "u32: level of a socket option, as in setsockopt(2)") \
	X(OPTION,  6, 4, 4,    "u32: its name") \
	X(VALUE,   7, 0, 1024, "its value, as setsockopt(2) takes and getsockopt(2) gives it") \
	X(LENGTH,  8, 4, 4,    "u32: octets of value that the caller has room for") \
	X(VERSION, 9, 0, 64,   "text: version of the daemon") \
	X(FLAGS,  10, 4, 4,    "u32: 1 MORE, 2 EOR, 4 MARK") \
	X(DATA,   11, 0, 2048, "octets of the stream")
/* clang-format on */

enum proto_op {
	PROTO_OP_NONE,
#define X(name, number, in, out, text) PROTO_##name = (number),
	PROTO_OPS(X)
#undef X
		PROTO_OP_END
};

enum proto_tlv {
	PROTO_TLV_NONE,
#define X(name, number, min, max, text) PROTO_TLV_##name = (number),
	PROTO_TLVS(X)
#undef X
		PROTO_TLV_END
};

#define PROTO_HAS(tlv) (1u << (tlv))

struct proto_addr {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d; all zero: any */
	uint16_t port;
	uint8_t family; /* 4, 6; 0: both */
};

/* A message as values; |has| says which of the TLVs are there. */
struct proto_msg {
	uint16_t op;
	uint8_t major, minor;
	uint32_t seq;
	int32_t err; /* replies: an errno of the host, 0: done */
	uint32_t has;
	uint8_t domain;
	struct proto_addr local, peer;
	uint32_t backlog, level, option, length, flags;
	uint16_t nvalue, nversion, ndata;
	uint8_t value[PROTO_VALUE_MAX];
	char version[PROTO_VERSION_MAX + 1]; /* NUL-terminated */
	uint8_t data[PROTO_DATA_MAX];
};

enum proto_result {
	PROTO_OK,
	PROTO_GARBAGE, /* no message of this protocol: hang up */
	PROTO_OTHER,   /* another major version: op and seq are known */
	PROTO_BAD_TLV  /* a TLV cut short, of a wrong length, or there twice */
};

/*
 * |len| octets to a message.  Unknown TLVs are skipped; an op that is not in
 * the table is not an error here.  |m| is filled in as far as it was read.
 */
enum proto_result proto_parse_request(struct proto_msg *m, const void *p,
				      size_t len);
enum proto_result proto_parse_reply(struct proto_msg *m, const void *p,
				    size_t len);

/* A message to octets: their number, or 0 when |size| is too small. */
size_t proto_build_request(const struct proto_msg *m, void *p, size_t size);
size_t proto_build_reply(const struct proto_msg *m, void *p, size_t size);

/* The rows of the tables; NULL: no such number. */
struct proto_op_row {
	const char *name, *text;
	uint8_t number, fds_in, fds_out;
};
struct proto_tlv_row {
	const char *name, *text;
	uint16_t number, min, max;
};
const struct proto_op_row *proto_op_row(unsigned op);
const struct proto_tlv_row *proto_tlv_row(unsigned tlv);

#endif /* PROTO_PROTO_H */
