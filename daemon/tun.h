/* SPDX-License-Identifier: MIT */
/*
 * tun.h - packets from and to the TUN device, for loop.c; and what link.c
 * tells it.
 */
#ifndef DAEMON_TUN_H
#define DAEMON_TUN_H

#include "daemon/daemon.h"

#define TUN_BATCH 64 /* packets that are borrowed at once */

/* |fd|: of --tun-fd, or -1.  0, or -1 and one line of |err|. */
int tun_open(struct daemon *d, int fd, char *err, size_t nerr);
void tun_start(struct daemon *d);
void tun_close(struct daemon *d);

const char *tun_name(const struct daemon *d);
/* The device does segmentation and checksums for us. */
bool tun_offloads(const struct daemon *d);

/* There may be something to read. */
bool tun_readable(const struct daemon *d);
/* The next packet, into buffer |slot| below TUN_BATCH: it stays there until
 * that slot is read into again.  False: there is none. */
bool tun_read(struct daemon *d, unsigned slot, struct tcpd_packet *pkt);

/* Writing makes sense now; if not, tun_retry_at() says when to ask again
 * (mono_now(); UINT64_MAX: an event will come). */
bool tun_may_write(const struct daemon *d);
uint64_t tun_retry_at(const struct daemon *d);
/* 0, or the errno for tcpd_output_done(). */
int tun_write(struct daemon *d, const struct tcpd_out *out);

/* From link.c. */
void tun_link(struct daemon *d, bool up, uint32_t mtu);

#endif /* DAEMON_TUN_H */
