/* SPDX-License-Identifier: MIT */
/*
 * test_record_frag.c - datagrams in pieces, and who had ICMP errors, through a
 * record: the same again, and where it is damaged refused or harmless.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "stack/record.h"

/* A piece of 80 octets at |at| of datagram |id|. */
static void arrive(uint8_t id, uint8_t at)
{
	static uint8_t octets[PACKET_MAX], text[80];
	struct peer p = peer_new(6, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	size_t n;

	k.protocol = PROTO_ICMP6;
	k.data = text;
	k.len = sizeof(text);
	n = packet_build(&k, octets);
	memmove(octets + 48, octets + 40, n - 40);
	octets[5] = 88;
	memset(octets + 40, 0, 8);
	octets[40] = octets[6];
	octets[6] = 44;
	octets[43] = at | 1; /* more follow */
	octets[47] = id;
	rig_in_octets(octets, n + 8, (struct tcpd_offload){0});
	rig_pass(TCPD_MS(1));
}

/* Three that wait, the oldest used last; one that overlapped; and a source
 * whose errors are used up. */
static uint8_t *fill(size_t *len)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet udp = peer_packet(&p, 0);
	uint8_t *buf;

	for (uint8_t id = 1; id <= 4; id++)
		arrive(id, 0);
	arrive(4, 8);
	arrive(2, 160);
	arrive(1, 160);
	udp.protocol = PROTO_UDP;
	udp.data = (const uint8_t *)"12345678";
	udp.len = 8;
	for (unsigned i = 0; i < 12; i++)
		rig_in(&udp);
	rig_drain();
	rig_check();
	*len = (size_t)tcpd_save(rig.st, NULL, 0, rig.now);
	buf = malloc(*len);
	ck_assert_ptr_nonnull(buf);
	ck_assert_int_eq(tcpd_save(rig.st, buf, *len, rig.now), (int64_t)*len);
	return buf;
}

START_TEST(record_of_fragments_is_the_same_again)
{
	size_t len, again;
	uint8_t *buf = fill(&len), *other;

	rig_restart();
	ck_assert_int_eq(tcpd_load(rig.st, buf, len, rig.now), 0);
	rig_check();
	ck_assert_uint_eq(rig.st->frags.slab.count, 4);
	again = (size_t)tcpd_save(rig.st, NULL, 0, rig.now);
	ck_assert_uint_eq(again, len);
	other = malloc(len);
	ck_assert_ptr_nonnull(other);
	tcpd_save(rig.st, other, len, rig.now);
	ck_assert_mem_eq(buf, other, len);
	/* they end when they would have */
	rig_pass(TCPD_SEC(61));
	ck_assert_uint_eq(rig.st->frags.slab.count, 0);
	rig_drain();
	free(buf);
	free(other);
}
END_TEST

START_TEST(record_of_fragments_that_is_damaged_is_refused_or_harmless)
{
	size_t len;
	uint8_t *buf = fill(&len);
	unsigned refused = 0;

	for (size_t i = RECORD_HEAD; i < len; i += 3) {
		struct record_out head = {.p = buf, .room = len, .at = 20};
		uint8_t was = buf[i];

		buf[i] ^= (uint8_t)(1u << i % 8);
		record_put_int(&head,
			       record_sum(buf + RECORD_HEAD, len - RECORD_HEAD),
			       8);
		rig_restart();
		if (tcpd_load(rig.st, buf, len, rig.now) == 0) {
			rig_check();
			arrive(1, 80);
			rig_check();
		} else {
			refused++;
		}
		buf[i] = was;
	}
	ck_assert_uint_gt(refused, 100);
	free(buf);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_frag");
	TCase *tc = rig_case(s, "record");

	tcase_add_test(tc, record_of_fragments_is_the_same_again);
	tcase_add_test(
		tc, record_of_fragments_that_is_damaged_is_refused_or_harmless);
	return rig_run(s);
}
