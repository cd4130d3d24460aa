/* SPDX-License-Identifier: MIT */
/*
 * ping.c - round trips of one octet to an echo, one after the other.
 *
 *	ping ADDRESS PORT SECONDS [PAUSE_US [hold|quick]]
 *
 * hold: an answer is acknowledged with the next octet, or when the kernel's
 * delayed ACK is due; quick: as soon as it is read.  Otherwise the kernel
 * chooses.
 * Prints: round trips a second, median and 99th percentile in microseconds.
 */
#include "bench.h"

#define MAX_SAMPLES 1000000

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static float us[MAX_SAMPLES];
	useconds_t pause = argc > 4 ? (useconds_t)number(argv[4]) : 0;
	struct place to;
	uint64_t begin, end, t;
	size_t n = 0;
	double busy = 0;
	bool quick = argc > 5 && strcmp(argv[5], "quick") == 0;
	bool hold = argc > 5 && !quick;
	int fd, off = 0;

	if (argc < 4) {
		(void)fputs("usage: ping ADDRESS PORT SECONDS [PAUSE_US "
			    "[hold|quick]]\n",
			    stderr);
		return 2;
	}
	to = place(argv[1], (unsigned)number(argv[2]));
	fd = place_socket(&to, 0);
	if (fd < 0 || connect(fd, &to.any, to.len) < 0)
		die("connect");
	set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
	end = now_ns() + (uint64_t)(number(argv[3]) * 1e9);
	while ((begin = now_ns()) < end && n < MAX_SAMPLES) {
		char c = 'x';

		if (hold)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off,
					 sizeof(off));
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			die("round trip");
		if (quick)
			set_flag(fd, IPPROTO_TCP, TCP_QUICKACK);
		t = now_ns() - begin;
		us[n++] = (float)t / 1000;
		busy += (double)t / 1e9;
		if (pause)
			usleep(pause);
	}
	if (!n)
		return 1;
	qsort(us, n, sizeof(us[0]), by_value);
	printf("%.0f %.1f %.1f\n", (double)n / busy, (double)us[n / 2],
	       (double)us[n * 99 / 100]);
	return 0;
}
