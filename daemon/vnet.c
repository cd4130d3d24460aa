/* SPDX-License-Identifier: MIT */
/*
 * vnet.c - the virtio-net header (virtio 1.2, 5.1.6.2), in the octet order of
 * the machine, as the TUN device has it unless told otherwise.  Values only:
 * no descriptor, no state.
 */
#include <linux/virtio_net.h>
#include <string.h>

#include "daemon/vnet.h"

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_LEN, "virtio_net_hdr");

static unsigned version(const uint8_t *packet)
{
	return packet[0] >> 4;
}

bool vnet_in(struct tcpd_packet *pkt, const uint8_t h[VNET_LEN])
{
	struct tcpd_offload *off = &pkt->off;
	struct virtio_net_hdr v;
	unsigned type;

	memcpy(&v, h, sizeof(v));
	*off = (struct tcpd_offload){0};
	if (pkt->len == 0)
		return false;
	if (v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		off->flags |= TCPD_PKT_CSUM_PARTIAL;
		off->csum_start = v.csum_start;
		off->csum_offset = v.csum_offset;
	}
	if (v.flags & VIRTIO_NET_HDR_F_DATA_VALID)
		off->flags |= TCPD_PKT_CSUM_VALID;
	if (v.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	type = v.gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
	if (type == VIRTIO_NET_HDR_GSO_TCPV4   ? version(pkt->data) != 4
	    : type == VIRTIO_NET_HDR_GSO_TCPV6 ? version(pkt->data) != 6
					       : true)
		return false;
	if (v.gso_size == 0 || v.hdr_len > pkt->len)
		return false;
	off->gso_size = v.gso_size;
	if (v.gso_type & VIRTIO_NET_HDR_GSO_ECN)
		off->flags |= TCPD_PKT_ECN;
	return true;
}

void vnet_out(uint8_t h[VNET_LEN], const struct tcpd_offload *off,
	      const uint8_t *head, size_t nhead)
{
	struct virtio_net_hdr v = {0};

	if (off->flags & TCPD_PKT_CSUM_PARTIAL) {
		v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		v.csum_start = off->csum_start;
		v.csum_offset = off->csum_offset;
	}
	if (off->gso_size) {
		v.gso_type = version(head) == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
						: VIRTIO_NET_HDR_GSO_TCPV6;
		if (off->flags & TCPD_PKT_ECN)
			v.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		v.gso_size = off->gso_size;
		v.hdr_len = (uint16_t)nhead;
	}
	memcpy(h, &v, sizeof(v));
}
