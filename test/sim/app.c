/* SPDX-License-Identifier: MIT */
/*
 * app.c - the programs.  Friendly ones write all they have, read to the end
 * of file and close; hostile ones do that, or anything else at any time.
 * What they are given is checked octet by octet.
 */
#include <stdlib.h>

#include "sim.h"
#include "test/harness/pattern.h"

#define BUFFER 131072

struct tcpd_stack *app_stack(const struct sim *s, const struct endpoint *e)
{
	return s->side[e->side].st;
}

static struct endpoint *other(const struct endpoint *e)
{
	struct pair *p = e->pair;

	return e == &p->ep[0] ? &p->ep[1] : &p->ep[0];
}

void app_over(struct endpoint *e)
{
	e->open = false;
	e->at = TCPD_NEVER;
}

static void begin(struct sim *s, struct endpoint *e,
		  const struct tcpd_addr *local, const struct tcpd_addr *peer)
{
	struct pair *p = e->pair;
	struct tcpd_status st;
	int err = tcpd_connect(app_stack(s, e), &e->h, local, peer,
			       sim_now(s, e->side));

	if (err) {
		sim_fail(s, "tcpd_connect says %s", tcpd_err_name(err));
		return;
	}
	if (tcpd_status(app_stack(s, e), e->h, &st, sim_now(s, e->side))) {
		sim_fail(s, "a new connection has no status");
		return;
	}
	if (e == &p->ep[0])
		p->port = st.local.port;
	p->iss[e - p->ep] = st.iss;
	tcpd_set_user(app_stack(s, e), e->h, e);
	e->open = true;
}

/* Both ends connect to each other (RFC 9293, figure 7). */
static void cross(struct sim *s, struct pair *p)
{
	struct tcpd_addr at[2];
	uint16_t port = (uint16_t)(20000 + 2 * (p - s->pair));

	for (unsigned k = 0; k < 2; k++)
		world_place(&at[k], p->ep[k].side, p->version,
			    (uint16_t)(port + k));
	for (unsigned k = 0; k < 2; k++)
		begin(s, &p->ep[k], &at[k], &at[!k]);
	p->matched = true;
	sim_say(s, "A and B connect to each other, %u", port);
}

void app_start(struct sim *s, struct pair *p)
{
	struct endpoint *e = &p->ep[0];
	struct tcpd_addr peer;

	if (p->crossing) {
		cross(s, p);
		return;
	}
	world_place(&peer, !e->side, p->version, PORT);
	begin(s, e, NULL, &peer);
	if (s->why[0])
		return;
	sim_say(s, "%c connects from %u, %s", "AB"[e->side], p -> port,
		p -> hostile ? "hostile" : "friendly");
}

void app_restarted(struct sim *s, unsigned side)
{
	for (unsigned i = 0; i < s->npairs; i++) {
		struct pair *p = &s->pair[i];
		unsigned k = p->ep[0].side == side ? 0 : 1;

		if (p->start != TCPD_NEVER)
			continue;
		if (!p->ep[0].eof || !p->ep[1].eof)
			p->hostile = true; /* nothing is promised */
		if (!p->ep[k].open)
			continue;
		p->ep[k].ended = p->ep[k].closed = p->ep[k].shut = true;
		app_over(&p->ep[k]);
	}
}

/* Who connected as |st| says; NULL: nobody (a forged or very old SYN).  After a
 * restart another may have the port of one whose packets still arrive. */
static struct pair *who(struct sim *s, unsigned side,
			const struct tcpd_status *st)
{
	for (unsigned i = 0; i < s->npairs; i++) {
		struct pair *p = &s->pair[i];

		if (p->ep[1].side == side && p->port == st->peer.port &&
		    p->iss[0] == st->irs && !p->matched &&
		    p->version == st->peer.family)
			return p;
	}
	return NULL;
}

static void accept_all(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	tcpd_handle h;

	while (tcpd_accept(side->st, side->listener, &h, sim_now(s, i)) == 0) {
		struct tcpd_status st;
		struct pair *p;

		if (tcpd_status(side->st, h, &st, sim_now(s, i))) {
			sim_fail(s, "an accepted connection has no status");
			return;
		}
		p = who(s, i, &st);
		if (!p) {
			tcpd_abort(side->st, h, sim_now(s, i));
			continue;
		}
		sim_say(s, "%c accepts from %u", "AB"[i], st.peer.port);
		p->matched = true;
		p->iss[1] = st.iss;
		p->ep[1].h = h;
		p->ep[1].open = true;
		tcpd_set_user(side->st, h, &p->ep[1]);
		app_act(s, &p->ep[1]);
		if (s->ending && p->ep[1].open)
			app_close(s, &p->ep[1]);
	}
}

static void event(struct sim *s, struct endpoint *e,
		  const struct tcpd_event *ev)
{
	if (ev->mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT)) {
		e->ended = true;
		e->err = ev->err;
		sim_say(s, "%c of %u ends: %s", "AB"[e->side],
			e -> pair -> port, tcpd_err_name(ev->err));
		if (!ev->err)
			sim_fail(s, "RESET or TIMEOUT without an error");
		/* once both have read all, a TIME-WAIT that has ended, or was
		 * given up, may answer the last FIN's repetition by RST */
		if (!e->pair->hostile && !(e->eof && other(e)->eof))
			sim_fail(s, "%c of %u, friendly, ends by %s",
				 "AB"[e->side], e -> pair -> port,
				 tcpd_err_name(ev->err));
	}
	if (ev->mask & TCPD_EV_GONE) {
		app_over(e);
		return;
	}
	if (e->open && e->at == TCPD_NEVER)
		app_act(s, e);
}

void app_events(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	struct tcpd_event ev;

	while (!s->why[0] && tcpd_next_event(side->st, &ev)) {
		if (ev.user == side)
			side->accept_at =
				s->now +
				TCPD_MS(rng_below(&s->rng, 4) ? 0 : 200);
		else if (ev.user)
			event(s, ev.user, &ev);
	}
	if (side->accept_at && side->accept_at <= s->now) {
		side->accept_at = 0;
		accept_all(s, i);
	}
}

/* ----------------------------------------------------------- the stream */

static bool given(struct sim *s, struct endpoint *e, const uint8_t *p, size_t n)
{
	const struct endpoint *from = other(e);
	size_t same = pattern_same(from->salt, e->took, p, n);

	if (same < n)
		return sim_fail(s, "octet %llu is not what %u wrote",
				(unsigned long long)e->took + same,
				e->pair->port);
	e->took += n;
	sim_mix(s, e->took << 8 | e->salt);
	if (e->took > from->wrote)
		return sim_fail(s, "%llu octets were read, %llu written",
				(unsigned long long)e->took,
				(unsigned long long)from->wrote);
	world_progress(s);
	return true;
}

static void end_of_file(struct sim *s, struct endpoint *e)
{
	const struct endpoint *from = other(e);

	if (e->eof)
		return;
	e->eof = true;
	sim_say(s, "%c of %u reads the end", "AB"[e->side], e -> pair -> port);
	sim_mix(s, e->salt);
	if (!from->shut || e->took != from->wrote)
		sim_fail(s, "end of file after %llu of %llu octets%s",
			 (unsigned long long)e->took,
			 (unsigned long long)from->wrote,
			 from->shut ? "" : ", and the peer did not close");
}

/* One read: more may be there. */
static bool read_some(struct sim *s, struct endpoint *e)
{
	static uint8_t buf[BUFFER];
	struct tcpd_slice slice[3];
	uint32_t want = e->read_size < BUFFER ? e->read_size : BUFFER;
	size_t n = 0;
	int64_t came;
	int slices;

	if (rng_below(&s->rng, 2)) {
		came = tcpd_recv(app_stack(s, e), e->h, buf, want,
				 sim_now(s, e->side));
		if (came == 0)
			end_of_file(s, e);
		return came > 0 && given(s, e, buf, (size_t)came);
	}
	slices = tcpd_recv_peek(app_stack(s, e), e->h, slice, 3);
	for (int i = 0; i < slices && n < want; i++) {
		size_t take = slice[i].len < want - n ? slice[i].len : want - n;

		if (!given(s, e, slice[i].p, take))
			return false;
		n += take;
	}
	if (n && tcpd_recv_done(app_stack(s, e), e->h, n, sim_now(s, e->side)))
		return sim_fail(s, "what was peeked cannot be taken");
	if (!n && tcpd_recv_eof(app_stack(s, e), e->h))
		end_of_file(s, e);
	return n > 0;
}

static int64_t fill(struct sim *s, struct endpoint *e, uint32_t n)
{
	struct tcpd_room room[2];
	int rooms = tcpd_send_room(app_stack(s, e), e->h, n, room, 2);
	uint32_t done = 0;

	for (int i = 0; i < rooms; i++) {
		uint32_t part = room[i].len < n - done ? room[i].len : n - done;

		pattern_fill(e->salt, e->wrote + done, room[i].p, part);
		done += part;
	}
	if (rooms < 0)
		return rooms;
	if (tcpd_send_filled(app_stack(s, e), e->h, done, sim_now(s, e->side)))
		sim_fail(s, "tcpd_send_filled refuses what was granted");
	return done ? (int64_t)done : -TCPD_ERR_AGAIN;
}

/* One write: there may be room for more. */
static bool write_some(struct sim *s, struct endpoint *e)
{
	static uint8_t buf[BUFFER];
	uint64_t left = e->total - e->wrote;
	uint32_t n = e->write_size < BUFFER ? e->write_size : BUFFER;
	int64_t came;

	if (!left || e->shut)
		return false;
	if (n > left)
		n = (uint32_t)left;
	if (rng_below(&s->rng, 2)) {
		pattern_fill(e->salt, e->wrote, buf, n);
		came = tcpd_send(app_stack(s, e), e->h, buf, n,
				 sim_now(s, e->side));
	} else {
		came = fill(s, e, n);
	}
	if (came <= 0) {
		if (came != -TCPD_ERR_AGAIN && came != -TCPD_ERR_NOT_OPEN &&
		    !e->ended && !e->pair->hostile)
			sim_fail(s, "a write says %s",
				 tcpd_err_name((int)came));
		return false;
	}
	e->wrote += (uint64_t)came;
	wire_moved(s, e->side);
	return true; /* WRITABLE comes once there was no room at all */
}

/* ---------------------------------------------------------- its choices */

void app_close(struct sim *s, struct endpoint *e)
{
	int err = tcpd_close(app_stack(s, e), e->h, sim_now(s, e->side));

	sim_say(s, "%c of %u closes", "AB"[e->side], e -> pair -> port);
	if (err)
		sim_fail(s, "tcpd_close says %s", tcpd_err_name(err));
	e->closed = e->shut = true;
	app_over(e);
}

void app_shutdown(struct sim *s, struct endpoint *e)
{
	int err = tcpd_shutdown(app_stack(s, e), e->h, sim_now(s, e->side));

	sim_say(s, "%c of %u shuts down", "AB"[e->side], e -> pair -> port);
	if (err == -TCPD_ERR_NOT_OPEN)
		return; /* in SYN-SENT some other time */
	e->shut = true;
	if (err && !e->ended && !e->pair->hostile && err != -TCPD_ERR_CLOSING)
		sim_fail(s, "tcpd_shutdown says %s", tcpd_err_name(err));
}

/* A write that failed is no loss: the window does not fall, nothing is sent
 * twice (--errnos), but for what is asked of a tail whose ACK is held back (RFC
 * 8985, 7.2). */
static void untouched(struct sim *s, struct endpoint *e)
{
	struct tcpd_status st;
	uint64_t probes;

	if (tcpd_status(app_stack(s, e), e->h, &st, sim_now(s, e->side)))
		return;
	if (!e->cwnd) /* the initial one: less is not even left by idling */
		e->cwnd = st.cwnd;
	probes = tcpd_stats(app_stack(s, e))->timeouts_tlp;
	if (st.cwnd < e->cwnd || st.retransmits > probes || st.after_rto ||
	    st.in_recovery || st.ssthresh < UINT32_MAX)
		sim_fail(s, "cwnd was %u and is %u, %u retransmissions",
			 e->cwnd, st.cwnd, st.retransmits);
}

/* What an app has closed is given up when the peer's window stays closed for
 * two minutes: where that may be, a friendly one waits until all is there. */
static bool awaits(const struct sim *s, struct endpoint *e)
{
	if (!s->patient || e->pair->hostile ||
	    !tcpd_unacked(app_stack(s, e), e->h))
		return false;
	e->at = s->now + TCPD_SEC(1);
	return true;
}

void app_act(struct sim *s, struct endpoint *e)
{
	if (!e->open || s->why[0])
		return;
	if (s->errnos)
		untouched(s, e);
	if (e->pair->hostile && mischief(s, e))
		return;
	while (write_some(s, e))
		if (!rng_below(&s->rng, 8)) { /* more another time */
			e->at = s->now + TCPD_MS(rng_below(&s->rng, 50));
			break;
		}
	while (!s->why[0] && read_some(s, e))
		if (!rng_below(&s->rng, 16)) {
			/* now and then its reader stalls for long */
			e->at = s->now +
				TCPD_MS(rng_below(&s->rng, 32)
						? rng_below(&s->rng, 600)
						: rng_below(&s->rng, 40000));
			return;
		}
	if (s->why[0])
		return;
	if (e->wrote == e->total && !e->shut)
		app_shutdown(s, e);
	if (e->ended || (e->eof && e->shut && !awaits(s, e)))
		app_close(s, e);
}

void app_end(struct sim *s)
{
	for (unsigned i = 0; i < s->npairs; i++)
		for (unsigned k = 0; k < 2; k++)
			if (s->pair[i].ep[k].open)
				app_close(s, &s->pair[i].ep[k]);
}

bool app_all_over(const struct sim *s)
{
	for (unsigned i = 0; i < s->npairs; i++) {
		const struct pair *p = &s->pair[i];

		if (p->start != TCPD_NEVER || p->ep[0].open || p->ep[1].open)
			return false;
		if (!p->hostile && !p->matched)
			return false;
	}
	return s->npairs > 0;
}

/* What was promised: friendly programs have everything. */
bool app_verdict(struct sim *s)
{
	for (unsigned i = 0; i < s->npairs; i++) {
		const struct pair *p = &s->pair[i];

		if (p->hostile)
			continue;
		for (unsigned k = 0; k < 2; k++) {
			const struct endpoint *e = &p->ep[k];

			if (!e->eof || e->took != p->ep[!k].total)
				return sim_fail(
					s, "%c of %u has %llu of %llu octets%s",
					"AB"[e->side], p -> port,
					(unsigned long long)e -> took,
					(unsigned long long)p -> ep[!k].total,
					e->eof ? "" : " and no end of file");
		}
	}
	return true;
}
