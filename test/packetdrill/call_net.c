/* SPDX-License-Identifier: MIT */
/*
 * call_net.c - packets in and out, and the time.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "world.h"

/* A packet leaves later than what made it leave has come. */
#define DEVICE_US 2

/* Nothing leaves for so long: then nothing will. */
#define HORIZON TCPD_SEC(300)

static int do_netdev_send(void *u, const void *p, size_t n)
{
	struct world *w = u;
	/* borrowed until the end of the batch, which the turn is */
	uint8_t *copy = malloc(n ? n : 1);
	struct tcpd_packet pkt = {.data = copy, .len = (uint32_t)n};

	if (!copy)
		return -1;
	world_enter(w);
	memcpy(copy, p, n);
	tcpd_input(w->st, &pkt, w->now);
	world_turn(w);
	free(copy);
	return (int)world_leave(w, 0);
}

static int do_netdev_receive(void *u, void *p, size_t *n, long long *us)
{
	struct world *w = u;
	struct frame *f;
	tcpd_time limit;

	world_enter(w);
	world_turn(w);
	limit = w->now + HORIZON;
	while (!w->frame && world_step(w, limit))
		;
	f = w->frame;
	if (!f) { /* no packet at all: packetdrill gives up */
		*n = 0;
		return (int)world_leave(w, 0);
	}
	w->frame = f->next;
	if (!w->frame)
		w->last_frame = &w->frame;
	if (f->len < *n)
		*n = f->len;
	memcpy(p, f->octets, *n);
	*us = (long long)(f->at / TCPD_US(1)) + DEVICE_US;
	free(f);
	return (int)world_leave(w, 0);
}

static int do_usleep(void *u, useconds_t us)
{
	struct world *w = u;

	world_enter(w);
	world_until(w, w->now + TCPD_US(us));
	world_yield(w);
	return (int)world_leave(w, 0);
}

static int do_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct world *w = u;
	tcpd_time at;

	(void)tz;
	world_enter(w);
	at = world_clock(w) / TCPD_US(1);
	tv->tv_sec = (time_t)(at / 1000000);
	tv->tv_usec = (suseconds_t)(at % 1000000);
	return (int)world_leave(w, 0);
}

void call_net_fill(struct packetdrill_interface *ifc)
{
	ifc->netdev_send = do_netdev_send;
	ifc->netdev_receive = do_netdev_receive;
	ifc->usleep = do_usleep;
	ifc->gettimeofday = do_gettimeofday;
}
