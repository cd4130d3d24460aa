/* SPDX-License-Identifier: MIT */
/*
 * tun.h - packets from and to the TUN device, for loop.c; and what link.c
 * tells it.
 */
#ifndef DAEMON_TUN_H
#define DAEMON_TUN_H

#include "daemon/daemon.h"

/* A batch: packets that are borrowed at once.  In octets it is what the
 * processor's cache holds, which saves a fifth of a bulk flow's time. */
#define TUN_BATCH  64
#define TUN_OCTETS ((size_t)1024 * 1024)

/* |fd|: of --tun-fd, or -1.  0, or -1 and one line of |err|. */
int tun_open(struct daemon *d, int fd, char *err, size_t nerr);
void tun_start(struct daemon *d);
void tun_close(struct daemon *d);

const char *tun_name(const struct daemon *d);
/* The device does segmentation and checksums for us. */
bool tun_offloads(const struct daemon *d);

/* There may be something to read. */
bool tun_readable(const struct daemon *d);
/* The next packet of a batch, to octet |*at| of the batch (0: it begins), which
 * goes on: it stays there until the next batch.  False: there is none, or the
 * batch is full. */
bool tun_read(struct daemon *d, size_t *at, struct tcpd_packet *pkt);

/* Writing makes sense now; if not, tun_retry_at() says when to ask again
 * (mono_now(); UINT64_MAX: an event will come). */
bool tun_may_write(const struct daemon *d);
uint64_t tun_retry_at(const struct daemon *d);
/* 0, or the errno for tcpd_output_done(). */
int tun_write(struct daemon *d, const struct tcpd_out *out);

/* From link.c. */
void tun_link(struct daemon *d, bool up, uint32_t mtu);

#endif /* DAEMON_TUN_H */
