/* SPDX-License-Identifier: MIT */
/*
 * vnet.h - the virtio-net header that a TUN device puts before a packet, to
 * and from struct tcpd_offload.
 */
#ifndef DAEMON_VNET_H
#define DAEMON_VNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"

#define VNET_LEN 10 /* sizeof(struct virtio_net_hdr), TUNSETVNETHDRSZ */

/*
 * Header |h| of the packet |pkt->data|, |pkt->len| to |pkt->off|.  False: the
 * header contradicts itself or the packet in what tcpd_offload cannot say;
 * where the checksum lies is checked by the stack.
 */
bool vnet_in(struct tcpd_packet *pkt, const uint8_t h[VNET_LEN]);

/* The header of a packet out; |head|, |nhead|: IP and TCP header. */
void vnet_out(uint8_t h[VNET_LEN], const struct tcpd_offload *off,
	      const uint8_t *head, size_t nhead);

#endif /* DAEMON_VNET_H */
