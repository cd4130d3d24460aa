/* SPDX-License-Identifier: MIT */
/*
 * drive_call.c - calls of drive: sockets, the stream, options, numbers,
 * records, new settings.  What a call answers is not looked at: any octets are
 * a script.
 */
#include <stdlib.h>
#include <string.h>

#include "drive_in.h"

static unsigned pick(struct drive *d)
{
	return drive_u8(d) % SOCKETS;
}

static void open_socket(struct drive *d)
{
	unsigned i = pick(d);
	struct tcpd_addr a = {.port = drive_u8(d)};
	uint8_t how = drive_u8(d);
	struct tcpd_conn_settings set = d->set.conn;

	if (i == 0 || d->h[i])
		return;
	a.family = how & 1 ? 6 : 4;
	memcpy(a.ip, how & 1 ? drive_ip6 : drive_ip4, 16);
	a.ip[15] = how & 2 ? 2 : 1;
	if (how & 4) {
		tcpd_bind(d->st, &d->h[i], &a, how >> 4 & 1, d->now);
	} else if (how & 8) {
		set.syn_cookies = (how >> 5) % TCPD_NCOOKIES;
		tcpd_listen(d->st, &d->h[i], &a, how >> 4 & 1, &set, d->now);
	} else {
		tcpd_connect(d->st, &d->h[i], NULL, &a, d->now);
	}
}

static void end_socket(struct drive *d)
{
	unsigned i = pick(d);
	uint8_t how = drive_u8(d) & 3;
	tcpd_handle h = d->h[i];

	if (i == 0 && how > 1)
		return; /* the listener stays */
	if (how < 2)
		tcpd_shutdown(d->st, h, d->now);
	else if ((how == 2 ? tcpd_close : tcpd_abort)(d->st, h, d->now) == 0)
		d->h[i] = 0;
}

static void stream(struct drive *d)
{
	static uint8_t buf[40000];
	tcpd_handle h = d->h[pick(d)];
	uint8_t how = drive_u8(d);
	size_t n = (size_t)drive_u8(d) * (how & 16 ? 150 : 1);
	struct tcpd_slice s[3];
	struct tcpd_room r[3];
	int k;

	switch (how & 3) {
	case 0:
		tcpd_send(d->st, h, buf, n, d->now);
		break;
	case 1:
		tcpd_recv(d->st, h, buf, n, d->now);
		break;
	case 2:
		k = tcpd_recv_peek(d->st, h, s, 3);
		for (int i = 0; i < k; i++)
			if (!s[i].len || s[i].p[0] + s[i].p[s[i].len - 1] > 510)
				drive_broken("tcpd_recv_peek",
					     "an empty slice");
		tcpd_recv_done(d->st, h, n, d->now);
		break;
	default:
		k = tcpd_send_room(d->st, h, n, r, 3);
		for (int i = 0; i < k; i++)
			memset(r[i].p, 1, r[i].len);
		if (k > 0)
			tcpd_send_filled(d->st, h, r[0].len < n ? r[0].len : n,
					 d->now);
		break;
	}
}

static void option(struct drive *d)
{
	tcpd_handle h = d->h[pick(d)];
	enum tcpd_option o = (enum tcpd_option)(drive_u8(d) % TCPD_NOPTIONS);
	uint64_t v = drive_u8(d);

	if (v & 128)
		v = TCPD_MS(100 * (v & 127));
	tcpd_set_option(d->st, h, o, v, d->now);
	tcpd_get_option(d->st, h, o, &v);
}

static void by_id(struct drive *d)
{
	tcpd_id id = drive_u8(d);

	if (id & 128)
		tcpd_abort_id(d->st, id & 127, d->now);
	else
		tcpd_close_id(d->st, id, d->now);
}

/* Into a record and back; damaged in one octet, it may be refused. */
static void record(struct drive *d)
{
	int64_t len;
	uint8_t *buf;
	uint8_t how = drive_u8(d);
	struct tcpd_stack *other = NULL;

	drive_turn(d);
	len = tcpd_save(d->st, NULL, 0, d->now);
	if (len < 0)
		drive_broken("tcpd_save", tcpd_err_name((int)len));
	buf = malloc((size_t)len);
	if (!buf)
		abort();
	if (tcpd_save(d->st, buf, (size_t)len, d->now) != len)
		drive_broken("tcpd_save", "another length");
	if (how & 1) {
		struct memory mem = {.nmaps = 0};
		struct tcpd_settings set = d->set;

		buf[drive_u32(d) % (uint32_t)len] ^= (uint8_t)(drive_u8(d) | 1);
		memory_serve(&mem, &set);
		if (tcpd_new(&other, &set, d->now))
			drive_broken("tcpd_new", "fails");
		tcpd_load(other, buf, (size_t)len, d->now);
		tcpd_free(other);
	} else {
		tcpd_free(d->st);
		drive_start(d);
		if (tcpd_load(d->st, buf, (size_t)len, d->now))
			drive_broken("tcpd_load",
				     "refuses what tcpd_save wrote");
	}
	free(buf);
}

static void reconfigure(struct drive *d)
{
	struct tcpd_settings set = d->set;
	uint8_t how = drive_u8(d);

	set.mtu = (uint16_t)(how & 1 ? 1500 : 1280 + how);
	set.csum = (how & 2) != 0;
	set.tso4 = set.tso6 = set.csum && how & 4;
	set.conn.backlog = how & 7;
	set.max_orphans = 1 + (how >> 3 & 3);
	set.resets_per_second = how & 32 ? 10000 : how >> 6;
	if (tcpd_reconfigure(d->st, &set, d->now) == 0)
		d->set = set;
}

void drive_call(struct drive *d, uint8_t which)
{
	static void (*const calls[])(struct drive *) = {
		open_socket, end_socket, stream, stream,      stream,
		option,	     by_id,	 record, reconfigure,
	};

	calls[which % (sizeof(calls) / sizeof(calls[0]))](d);
}
