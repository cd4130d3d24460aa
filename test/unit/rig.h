/* SPDX-License-Identifier: MIT */
/*
 * rig.h - a real stack for the unit tests of lib/tcp and lib/stack: made by
 * tcpd_new() in the harness's memory, with a clock that the test moves, bare
 * connections for tests of one module, and a peer that speaks real packets.
 *
 * One stack a test: rig_case() makes and ends it around each.
 */
#ifndef UNIT_RIG_H
#define UNIT_RIG_H

#include <check.h>

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"
#include "tcp/xmit.h"
#include "test/harness/memory.h"
#include "test/harness/packet.h"
#include "test/harness/pattern.h"
#include "test/harness/rng.h"

#define RIG_START TCPD_SEC(1000)
#define RIG_MSS	  1460u

struct rig {
	struct tcpd_settings set;
	struct memory mem;
	struct tcpd_stack *st;
	struct tcp *t;
	tcpd_time now;
	struct tcpd_out out;	 /* what rig_out() took last */
	uint8_t buf[PACKET_MAX]; /* its octets */
};
extern struct rig rig;

/* ::ffff:a.b.c.d */
#define RIG_IP4(a, b, c, d)                                                  \
	{                                                                    \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d) \
	}
#define RIG_IP6(last)                                                     \
	{                                                                 \
		0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (last) \
	}
extern const uint8_t rig_our4[16], rig_our6[16];   /* the stack's .2, ::2 */
extern const uint8_t rig_peer4[16], rig_peer6[16]; /* .1, ::1 */

/* Small tables, both families, no pacing, everything else as by default. */
void rig_settings(void);
void rig_start(void); /* with rig.set */
void rig_stop(void);  /* and nothing wrong with its memory */
/* What was changed in rig.set counts from here on: a new stack. */
void rig_restart(void);

/* A test case with a stack around each test; run the suite, print TAP. */
TCase *rig_case(Suite *s, const char *name);
int rig_run(Suite *s);

/* Nothing is left: no entry, block, record, timer, reply, or use of a port. */
void rig_assert_empty(void);

/* tcpd_check() finds nothing wrong: only where no field was set by hand. */
void rig_check(void);

/* --- the clock: the time moves, and what is due fires */
void rig_pass(tcpd_time ns);
/* To the next expiry and no further; the time that passed. */
tcpd_time rig_fire(void);

/* --- packets */

/* |p| into the stack as an exact-size copy, and the end of its batch. */
void rig_in(const struct packet *p);
/* The same without the end of a batch; the copy is the caller's to free. */
uint8_t *rig_in_borrowed(const struct packet *p);
/* The octets |data| as they are. */
void rig_in_octets(const uint8_t *data, size_t len, struct tcpd_offload off);
/* The stack's next packet, strictly read, said to be sent; false: none. */
bool rig_out(struct packet *p);
/* ... which must be there. */
struct packet rig_expect(uint8_t flags);
void rig_expect_nothing(void);
unsigned rig_drain(void); /* all of them; how many */

/* The next event: true; its mask is 0 when there is none. */
struct tcpd_event rig_event(void);

/* --- a peer of the stack's */
struct peer {
	uint8_t version;
	struct tcpd_addr us, them; /* us: the stack's side */
	uint32_t seq, ack;	   /* what it sends next; has of ours */
	uint16_t wnd;
	bool with_ts, with_wscale;
	uint32_t ts_val, ts_ecr;
	uint16_t mss; /* of its SYN; 0: none */
	uint8_t wscale;
	tcpd_handle h; /* the stack's handle of the connection */
	struct conn *c;
};

struct peer peer_new(uint8_t version, uint16_t our_port, uint16_t their_port);
/* A segment from its present numbers. */
struct packet peer_packet(struct peer *p, uint8_t flags);
/* ... sent; its numbers move on; with rig_check(), as in peer_take(). */
void peer_send(struct peer *p, uint8_t flags, const void *data, uint32_t len);
/* Take the stack's next packet, which has |flags| (PSH is not looked at). */
struct packet peer_take(struct peer *p, uint8_t flags);

tcpd_handle rig_listen(uint16_t port);
/* A whole handshake: the stack connects, or accepts by |listener|. */
void peer_connect(struct peer *p);
void peer_accept(struct peer *p, tcpd_handle listener);

/* --- parts */

struct tuple rig_tuple(uint8_t version, uint16_t our_port, uint16_t their_port);
/* An ESTABLISHED connection that no packet made, its ISS |iss|, IRS |irs|. */
struct conn *rig_conn(uint32_t iss, uint32_t irs);
/* |n| octets of the pattern |salt| from |at| on into its send queue. */
void rig_fill(struct conn *c, uint32_t salt, uint64_t at, uint32_t n);

#endif /* UNIT_RIG_H */
