/* SPDX-License-Identifier: MIT */
/* rig.c - the stack, the clock and the peer of rig.h. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct rig rig;

const uint8_t rig_our4[16] = RIG_IP4(10, 77, 0, 2);
const uint8_t rig_our6[16] = RIG_IP6(2);
const uint8_t rig_peer4[16] = RIG_IP4(10, 77, 0, 1);
const uint8_t rig_peer6[16] = RIG_IP6(1);

void rig_settings(void)
{
	struct tcpd_settings *s = &rig.set;

	memset(&rig, 0, sizeof(rig));
	rig.now = RIG_START;
	tcpd_settings_init(s);
	s->pacing = false; /* what a window allows leaves at once */
	s->max_conns = 64;
	s->max_listeners = 16;
	s->max_half_open = 64;
	s->max_time_wait = 64;
	s->memory = 4u << 20;
	s->conn.congestion = TCPD_CC_NEWRENO; /* its numbers are round */
	s->naddrs = 2;
	s->addr[0] = (struct tcpd_prefix){.family = 4, .len = 24};
	memcpy(s->addr[0].ip, rig_our4, 16);
	s->addr[1] = (struct tcpd_prefix){.family = 6, .len = 64};
	memcpy(s->addr[1].ip, rig_our6, 16);
	for (unsigned i = 0; i < sizeof(s->key); i++)
		s->key[i] = (uint8_t)(i * 7 + 1);
	memory_serve(&rig.mem, s);
}

void rig_start(void)
{
	ck_assert_int_eq(tcpd_new(&rig.st, &rig.set, rig.now), 0);
	rig.t = &rig.st->t;
}

void rig_stop(void)
{
	tcpd_free(rig.st);
	rig.st = NULL;
	ck_assert_msg(!rig.mem.wrong, "memory: %s", rig.mem.wrong);
	ck_assert_uint_eq(rig.mem.nmaps, 0);
}

void rig_restart(void)
{
	rig_stop();
	rig_start();
}

static void set_up(void)
{
	rig_settings();
	rig_start();
}

static void tear_down(void)
{
	if (rig.st)
		rig_stop();
}

TCase *rig_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return tc;
}

int rig_run(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

void rig_assert_empty(void)
{
	const struct tcp *t = rig.t;

	ck_assert_uint_eq(t->conns.count, 0);
	ck_assert_uint_eq(t->listeners.count, 0);
	ck_assert_uint_eq(t->halves.count, 0);
	ck_assert_uint_eq(t->tws.count, 0);
	ck_assert_uint_eq(t->xmits.count, 0);
	ck_assert_uint_eq(t->conn_tab.count, 0);
	ck_assert_uint_eq(t->half_tab.count, 0);
	ck_assert_uint_eq(t->tw_tab.count, 0);
	ck_assert_uint_eq(t->pool.nused, 0);
	ck_assert_uint_eq(t->borrowed, 0);
	ck_assert_uint_eq(t->nreplies, 0);
	ck_assert_uint_eq(t->acks.head | t->sends.head | t->events.head, 0);
	ck_assert_uint_eq(t->acks.tail | t->sends.tail | t->events.tail, 0);
	ck_assert_uint_eq(t->tw_wheel.count, 0);
	ck_assert_uint_eq(t->wheel.count, wheel_armed(&t->wheel, &t->misc));
	for (unsigned i = 0; i < 65536; i++)
		ck_assert_msg(!t->ports[i].listeners && !t->ports[i].nuse &&
				      !t->ports[i].ntw[0] &&
				      !t->ports[i].ntw[1],
			      "port %u is still in use", i);
}

void rig_check(void)
{
	const char *wrong = tcpd_check(rig.st);

	ck_assert_msg(!wrong, "tcpd_check: %s", wrong);
}

void rig_pass(tcpd_time ns)
{
	rig.now += ns;
	tcpd_expire(rig.st, rig.now);
}

tcpd_time rig_fire(void)
{
	tcpd_time at = tcpd_expiry(rig.st);
	tcpd_time was = rig.now;

	ck_assert_msg(at != TCPD_NEVER, "no timer is armed");
	if (at > rig.now)
		rig.now = at;
	tcpd_expire(rig.st, rig.now);
	return rig.now - was;
}

static uint8_t *copy_of(const struct packet *p, size_t *len)
{
	static uint8_t buf[PACKET_MAX];
	uint8_t *copy;

	*len = packet_build(p, buf);
	ck_assert_uint_ne(*len, 0);
	copy = malloc(*len);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, buf, *len);
	return copy;
}

uint8_t *rig_in_borrowed(const struct packet *p)
{
	struct tcpd_packet in = {.off = packet_offload(p)};
	size_t len;
	uint8_t *copy = copy_of(p, &len);

	in.data = copy;
	in.len = (uint32_t)len;
	tcpd_input(rig.st, &in, rig.now);
	return copy;
}

void rig_in(const struct packet *p)
{
	uint8_t *copy = rig_in_borrowed(p);

	tcpd_input_done(rig.st, rig.now);
	free(copy);
}

void rig_in_octets(const uint8_t *data, size_t len, struct tcpd_offload off)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct tcpd_packet in = {
		.data = copy, .len = (uint32_t)len, .off = off};

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, data, len);
	tcpd_input(rig.st, &in, rig.now);
	tcpd_input_done(rig.st, rig.now);
	free(copy);
}

bool rig_out(struct packet *p)
{
	const char *wrong;

	if (!tcpd_output(rig.st, &rig.out, rig.now))
		return false;
	wrong = packet_strict(p, rig.buf, &rig.out, rig.set.mtu);
	ck_assert_msg(!wrong, "the stack's packet: %s", wrong);
	tcpd_output_done(rig.st, &rig.out, 0, rig.now);
	return true;
}

struct packet rig_expect(uint8_t flags)
{
	struct packet p;

	ck_assert_msg(rig_out(&p), "the stack has nothing to send");
	ck_assert_uint_eq(p.protocol, PROTO_TCP);
	ck_assert_msg((p.flags & ~FLAG_PSH) == flags, "flags are %#x, not %#x",
		      p.flags, flags);
	return p;
}

void rig_expect_nothing(void)
{
	struct packet p;

	ck_assert_msg(!rig_out(&p), "flags %#x, %u octets were sent", p.flags,
		      p.len);
}

unsigned rig_drain(void)
{
	struct packet p;
	unsigned n = 0;

	while (rig_out(&p))
		ck_assert_uint_lt(++n, 100000);
	return n;
}

struct tcpd_event rig_event(void)
{
	struct tcpd_event ev = {0};

	if (!tcpd_next_event(rig.st, &ev))
		return (struct tcpd_event){0};
	return ev;
}

struct peer peer_new(uint8_t version, uint16_t our_port, uint16_t their_port)
{
	struct peer p = {.version = version,
			 .seq = 0x40000000u,
			 .wnd = 65535,
			 .mss = version == 4 ? 1460 : 1440,
			 .us = {.port = our_port, .family = version},
			 .them = {.port = their_port, .family = version}};

	memcpy(p.us.ip, version == 4 ? rig_our4 : rig_our6, 16);
	memcpy(p.them.ip, version == 4 ? rig_peer4 : rig_peer6, 16);
	return p;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_options(struct packet *k, const struct peer *p)
{
	uint8_t *o = k->opt;
	uint8_t n = 0;

	if (k->flags & FLAG_SYN && p->mss) {
		o[n++] = OPTION_MSS;
		o[n++] = 4;
		o[n++] = (uint8_t)(p->mss >> 8);
		o[n++] = (uint8_t)p->mss;
	}
	if (k->flags & FLAG_SYN && p->with_wscale) {
		o[n++] = OPTION_NOP;
		o[n++] = OPTION_WSCALE;
		o[n++] = 3;
		o[n++] = p->wscale;
	}
	if (p->with_ts) {
		o[n++] = OPTION_NOP;
		o[n++] = OPTION_NOP;
		o[n++] = OPTION_TS;
		o[n++] = 10;
		put_be32(o + n, p->ts_val);
		put_be32(o + n + 4, k->flags & FLAG_ACK ? p->ts_ecr : 0);
		n = (uint8_t)(n + 8);
	}
	k->nopt = n;
}

struct packet peer_packet(struct peer *p, uint8_t flags)
{
	struct packet k = {.version = p->version,
			   .protocol = PROTO_TCP,
			   .sport = p->them.port,
			   .dport = p->us.port,
			   .seq = p->seq,
			   .ack = flags & FLAG_ACK ? p->ack : 0,
			   .flags = flags,
			   .wnd = p->wnd};

	memcpy(k.src, p->them.ip, 16);
	memcpy(k.dst, p->us.ip, 16);
	put_options(&k, p);
	return k;
}

void peer_send(struct peer *p, uint8_t flags, const void *data, uint32_t len)
{
	struct packet k = peer_packet(p, flags);

	k.data = data;
	k.len = len;
	rig_in(&k);
	rig_check();
	p->seq += packet_span(&k);
}

struct packet peer_take(struct peer *p, uint8_t flags)
{
	struct packet k = rig_expect(flags);
	uint32_t val, ecr;

	ck_assert_uint_eq(k.dport, p->them.port);
	if (p->us.port == 0)
		p->us.port = k.sport;
	ck_assert_uint_eq(k.sport, p->us.port);
	if (packet_ts(&k, &val, &ecr))
		p->ts_ecr = val;
	if (!(k.flags & FLAG_RST))
		p->ack = k.seq + packet_span(&k);
	rig_check();
	return k;
}

tcpd_handle rig_listen(uint16_t port)
{
	struct tcpd_addr any = {.port = port};
	tcpd_handle h = 0;

	ck_assert_int_eq(tcpd_listen(rig.st, &h, &any, 0, NULL, rig.now), 0);
	return h;
}

void peer_connect(struct peer *p)
{
	ck_assert_int_eq(tcpd_connect(rig.st, &p->h, &p->us, &p->them, rig.now),
			 0);
	peer_take(p, FLAG_SYN);
	peer_send(p, FLAG_SYN | FLAG_ACK, NULL, 0);
	peer_take(p, FLAG_ACK);
	p->c = stack_conn(rig.st, p->h);
	ck_assert_ptr_nonnull(p->c);
	ck_assert_int_eq(p->c->state, TCPD_ESTABLISHED);
}

void peer_accept(struct peer *p, tcpd_handle listener)
{
	peer_send(p, FLAG_SYN, NULL, 0);
	peer_take(p, FLAG_SYN | FLAG_ACK);
	peer_send(p, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, listener, &p->h, rig.now), 0);
	p->c = stack_conn(rig.st, p->h);
	ck_assert_ptr_nonnull(p->c);
	ck_assert_int_eq(p->c->state, TCPD_ESTABLISHED);
}

struct tuple rig_tuple(uint8_t version, uint16_t our_port, uint16_t their_port)
{
	struct tuple tu = {.lport = our_port, .pport = their_port};

	memcpy(tu.local, version == 4 ? rig_our4 : rig_our6, 16);
	memcpy(tu.peer, version == 4 ? rig_peer4 : rig_peer6, 16);
	return tu;
}

struct conn *rig_conn(uint32_t iss, uint32_t irs)
{
	static uint16_t port = 10000;
	struct tcp *t = rig.t;
	struct conn *c = conn_new(t);

	ck_assert_ptr_nonnull(c);
	c->tu = rig_tuple(4, 80, ++port);
	c->id = t->next_id++;
	c->held = true;
	c->advmss = c->peer_mss = RIG_MSS;
	conn_open_send(t, c, iss);
	conn_open_recv(c, irs);
	c->snd_una = c->snd_nxt = iss + 1;
	c->snd_wnd = c->max_snd_wnd = 65535;
	c->snd_wl1 = irs;
	c->snd_wl2 = iss;
	c->state = TCPD_ESTABLISHED;
	conn_set_mss(t, c);
	conn_start_window(t, c, 10 * c->mss);
	ck_assert(conn_hash(t, c));
	return c;
}

void rig_fill(struct conn *c, uint32_t salt, uint64_t at, uint32_t n)
{
	while (n) {
		struct tcpd_room r[4];
		int k = sendq_room(rig.t, c, n, r, 4);
		uint32_t done = 0;

		ck_assert_msg(k > 0, "no room for %u more octets", n);
		for (int i = 0; i < k && done < n; i++) {
			uint32_t part = min_u32(r[i].len, n - done);

			pattern_fill(salt, at + done, r[i].p, part);
			done += part;
		}
		sendq_filled(rig.t, c, done);
		at += done;
		n -= done;
	}
}
