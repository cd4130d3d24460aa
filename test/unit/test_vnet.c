/* SPDX-License-Identifier: MIT */
/*
 * test_vnet.c - the virtio-net header, row by row, both ways.
 * LINK: daemon/vnet.c */
#include <check.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "daemon/vnet.h"

enum {
	CSUM = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	VALID = VIRTIO_NET_HDR_F_DATA_VALID,
	T4 = VIRTIO_NET_HDR_GSO_TCPV4,
	T6 = VIRTIO_NET_HDR_GSO_TCPV6,
	ECN = VIRTIO_NET_HDR_GSO_ECN
};

/* clang-format off */
static const struct in_row {
	const char *name;
	uint32_t version : 4, len : 28;
	struct virtio_net_hdr h;
	bool good;
	struct tcpd_offload off;
} in_rows[] = {
	{"nothing said", 4, 40, {0}, true, {0}},
	{"checksum left to us", 4, 40,
	 {.flags = CSUM, .csum_start = 20, .csum_offset = 16}, true,
	 {0, 20, 16, TCPD_PKT_CSUM_PARTIAL}},
	{"checksum was checked", 6, 60, {.flags = VALID}, true,
	 {0, 0, 0, TCPD_PKT_CSUM_VALID}},
	{"checksum fields without their flag", 4, 40,
	 {.csum_start = 20, .csum_offset = 16}, true, {0}},
	{"a checksum beyond the packet is the stack's to see", 4, 40,
	 {.flags = CSUM, .csum_start = 65535, .csum_offset = 65535}, true,
	 {0, 65535, 65535, TCPD_PKT_CSUM_PARTIAL}},
	{"super-segment over IPv4", 4, 60000,
	 {CSUM, T4, 52, 1448, 20, 16}, true,
	 {1448, 20, 16, TCPD_PKT_CSUM_PARTIAL}},
	{"super-segment over IPv6", 6, 60000,
	 {CSUM, T6, 72, 1428, 40, 16}, true,
	 {1428, 40, 16, TCPD_PKT_CSUM_PARTIAL}},
	{"super-segment with CWR", 4, 60000,
	 {CSUM, T4 | ECN, 52, 1448, 20, 16}, true,
	 {1448, 20, 16, TCPD_PKT_CSUM_PARTIAL | TCPD_PKT_ECN}},
	{"header as long as the packet", 4, 52,
	 {CSUM, T4, 52, 1448, 20, 16}, true,
	 {1448, 20, 16, TCPD_PKT_CSUM_PARTIAL}},
	{"size without segmentation is not looked at", 4, 40,
	 {.gso_size = 7}, true, {0}},
	{"IPv4 segmentation of an IPv6 packet", 6, 60000,
	 {CSUM, T4, 52, 1448, 20, 16}, false, {0}},
	{"IPv6 segmentation of an IPv4 packet", 4, 60000,
	 {CSUM, T6, 52, 1448, 20, 16}, false, {0}},
	{"segments of no size", 4, 60000,
	 {CSUM, T4, 52, 0, 20, 16}, false, {0}},
	{"header beyond the packet", 4, 51,
	 {CSUM, T4, 52, 1448, 20, 16}, false, {0}},
	{"UDP fragmentation", 4, 60000,
	 {CSUM, VIRTIO_NET_HDR_GSO_UDP, 28, 1448, 20, 6}, false, {0}},
	{"a kind of segmentation that does not exist", 4, 60000,
	 {CSUM, 0x55, 52, 1448, 20, 16}, false, {0}},
	{"CWR of no segmentation", 4, 60000,
	 {CSUM, ECN, 52, 1448, 20, 16}, false, {0}},
	{"an empty packet", 0, 0, {0}, false, {0}},
};

static const struct out_row {
	const char *name;
	struct tcpd_offload off;
	uint8_t version, nhead;
	struct virtio_net_hdr h;
} out_rows[] = {
	{"nothing to say", {0}, 4, 40, {0}},
	{"checksum left to the device", {0, 20, 16, TCPD_PKT_CSUM_PARTIAL},
	 4, 40, {.flags = CSUM, .csum_start = 20, .csum_offset = 16}},
	{"super-segment over IPv4", {1448, 20, 16, TCPD_PKT_CSUM_PARTIAL},
	 4, 52, {CSUM, T4, 52, 1448, 20, 16}},
	{"super-segment over IPv6", {1428, 40, 16, TCPD_PKT_CSUM_PARTIAL},
	 6, 72, {CSUM, T6, 72, 1428, 40, 16}},
	{"super-segment with CWR",
	 {1448, 20, 16, TCPD_PKT_CSUM_PARTIAL | TCPD_PKT_ECN},
	 4, 52, {CSUM, T4 | ECN, 52, 1448, 20, 16}},
};
/* clang-format on */

START_TEST(vnet_in_says_what_the_header_says)
{
	const struct in_row *r = &in_rows[_i];
	static uint8_t data[65536];
	struct tcpd_packet pkt = {.data = data, .len = r->len};
	uint8_t h[VNET_LEN];

	memset(&pkt.off, 0xee, sizeof(pkt.off));
	data[0] = (uint8_t)(r->version << 4);
	memcpy(h, &r->h, sizeof(h));
	ck_assert_msg(vnet_in(&pkt, h) == r->good, "%s: %s", r->name,
		      r->good ? "refused" : "let pass");
	if (r->good)
		ck_assert_msg(memcmp(&pkt.off, &r->off, sizeof(r->off)) == 0,
			      "%s: gso %u, csum %u+%u, flags %u", r->name,
			      pkt.off.gso_size, pkt.off.csum_start,
			      pkt.off.csum_offset, pkt.off.flags);
}
END_TEST

START_TEST(vnet_out_says_what_the_offload_says)
{
	const struct out_row *r = &out_rows[_i];
	const uint8_t head[1] = {(uint8_t)(r->version << 4)};
	uint8_t h[VNET_LEN];

	memset(h, 0xee, sizeof(h));
	vnet_out(h, &r->off, head, r->nhead);
	ck_assert_msg(memcmp(h, &r->h, sizeof(h)) == 0, "%s", r->name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vnet");
	TCase *tc = tcase_create("rows");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, vnet_in_says_what_the_header_says, 0,
			    (int)(sizeof(in_rows) / sizeof(in_rows[0])));
	tcase_add_loop_test(tc, vnet_out_says_what_the_offload_says, 0,
			    (int)(sizeof(out_rows) / sizeof(out_rows[0])));
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
