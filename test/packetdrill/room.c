/* SPDX-License-Identifier: MIT */
/*
 * room.c - how much a write takes and when a writer is woken, as Linux counts
 * it; tcpd's own limits are others, and no packet depends on them.
 *
 * Linux fills chunks of full segments, each up to half of the largest window
 * that the peer has offered, and what was not sent of the last one may be
 * filled up again.  Only a new chunk asks for room: there is some while the
 * octets of all chunks and of what keeps them are below SO_SNDBUF, and the
 * unsent ones below TCP_NOTSENT_LOWAT.  A sleeper is woken when a third of the
 * buffer is free and half as much is unsent.
 */
#include "base/clamp.h"
#include "sock.h"

#define KEEPS	  1280u /* of memory for each chunk */
#define CHUNK_MAX 65536u
#define PIECE	  10000u /* what a chunk falls into when it is sent */

uint32_t room_lowat(const struct world *w, const struct sock *s)
{
	uint32_t low = s->lowat ? s->lowat : w->sysctl.notsent_lowat;

	return low ? low : UINT32_MAX;
}

static uint32_t chunk(const struct tcpd_status *st)
{
	uint32_t half = min_u32(st->max_snd_wnd / 2, CHUNK_MAX);

	return max_u32(half / st->mss, 1) * st->mss;
}

static uint64_t used(const struct tcpd_status *st)
{
	return st->send_q + (st->send_q + PIECE - 1) / PIECE * KEEPS;
}

static uint64_t buffer(const struct world *w, const struct sock *s,
		       const struct tcpd_status *st)
{
	if (s->sndbuf)
		return s->sndbuf;
	return max_u64(w->sysctl.wmem, 2 * (uint64_t)st->cwnd);
}

uint32_t room_now(struct world *w, struct sock *s)
{
	struct tcpd_status st = sock_status(w, s);
	uint32_t tail = min_u32(s->tail, st.unsent);
	uint32_t most;

	if (st.mss == 0) /* not open yet: what fits one chunk */
		return CHUNK_MAX;
	most = chunk(&st);
	if (!s->eor && tail && tail < most)
		return most - tail;
	if (used(&st) < buffer(w, s, &st) && st.unsent < room_lowat(w, s))
		return most;
	s->starved = true;
	/* the stack counts for TCP_INFO how long the app has to wait */
	(void)tcpd_want_writable(w->st, s->h, 0);
	return 0;
}

void room_filled(struct world *w, struct sock *s, uint32_t n, bool eor)
{
	struct tcpd_status st = sock_status(w, s);
	uint32_t had = st.unsent > n ? st.unsent - n : 0;
	uint32_t tail = min_u32(s->tail, had);

	if (s->eor || tail + n > chunk(&st))
		tail = 0;
	s->tail = tail + n;
	s->eor = eor;
}

bool room_writable(struct world *w, struct sock *s)
{
	struct tcpd_status st = sock_status(w, s);
	uint64_t have = used(&st), most = buffer(w, s, &st);

	return have < most && most - have >= have / 2 &&
	       2 * (uint64_t)st.unsent < room_lowat(w, s);
}
