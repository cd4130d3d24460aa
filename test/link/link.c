/* SPDX-License-Identifier: MIT */
/*
 * link.c - a link between two network namespaces, with delay, loss, a rate and
 * a queue of its own (way.h): a TUN device at each end and one process between
 * them.  What it does to packets is repeatable by seed; see --help.
 *
 * After a round with packets it sleeps for a grain of time before it looks
 * again, so that a fast flow does not cost a wake-up for each packet; while
 * nothing moves it waits for whatever comes first, a packet or a departure.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "test/link/way.h"

#define SLOTS  131072u
#define SLOT   2048u /* octets: a packet of the devices' MTU of 1500 fits */
#define BATCH  64
#define TXQLEN 10000
#define LATE   1000000u /* ns */

static const char usage_text[] =
	"usage: link [OPTION]... NETNS:DEVICE NETNS:DEVICE\n"
	"Joins two network namespaces by TUN devices that it makes (MTU 1500, "
	"up, no\naddresses), prints \"ready\" and carries packets until "
	"SIGTERM "
	"or SIGINT; then it\nprints its counters as JSON (SIGUSR1: at once, "
	"and "
	"goes on).  A VALUE is for\nboth ways, or two for each, first to "
	"second "
	"first: --loss 1,0.\n"
	"  --delay MS        from the end of a packet's transmission\n"
	"  --jitter MS       0 to so much is added, wandering; packets keep "
	"order\n"
	"  --loss PERCENT    of packets, at random\n"
	"  --burst N         mean length of losses in a row (1: independent)\n"
	"  --rate BITS       a second; k, M, G are decimal (0: no limit)\n"
	"  --queue OCTETS    before the line, dropped at its tail; k, M "
	"(0: no limit)\n"
	"  --reorder PERCENT of packets are overtaken by --depth later ones\n"
	"  --depth N         (3)\n"
	"  --hold MS         a packet waits for these at most (5)\n"
	"  --duplicate PERCENT\n"
	"  --seed N          (1) the same seed treats the n-th packet of a way "
	"the same\n"
	"  --grain US        sleep after each round with packets (20)\n"
	"  --realtime        before all other programs (SCHED_FIFO)\n"
	"IPv6 multicast (discovery of the kernel's own) is not carried and not "
	"counted.\n";

static struct way ways[2];
static struct {
	uint64_t refused, oversize, full, late, late_max;
} count[2];
static int fds[2]; /* way i: from fds[i] to fds[1 - i] */
static uint8_t *store;
static uint32_t free_slots[SLOTS], nfree;
static uint8_t uses[SLOTS];
static uint64_t grain = 20000;
static volatile sig_atomic_t stop, show;

static void die(const char *what)
{
	(void)fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
	exit(1);
}

static _Noreturn void wrong(const char *option, const char *text)
{
	(void)fprintf(stderr, "link: --%s %s: see link --help\n", option, text);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double one_value(const char *option, const char *text, char **end)
{
	double v = strtod(text, end);

	if (*end == text || !(v >= 0))
		wrong(option, text);
	if (**end == 'k')
		v *= 1e3, ++*end;
	else if (**end == 'M')
		v *= 1e6, ++*end;
	else if (**end == 'G')
		v *= 1e9, ++*end;
	return v;
}

/* "V" or "V,V", in units of |unit|, at most |most| */
static void value(const char *option, const char *text, double unit,
		  double most, double out[2])
{
	char *end;

	out[0] = out[1] = one_value(option, text, &end) * unit;
	if (*end == ',')
		out[1] = one_value(option, end + 1, &end) * unit;
	if (*end || out[0] > most || out[1] > most)
		wrong(option, text);
}

/* ------------------------------------------------------------- the devices */
static void set_up(int fd, const struct ifreq *name, unsigned long what,
		   struct ifreq r)
{
	memcpy(r.ifr_name, name->ifr_name, IFNAMSIZ);
	if (ioctl(fd, what, &r) < 0)
		die(name->ifr_name);
}

/* The kernel's own discovery would shift the numbers of packets. */
static void no_ipv6_talk(const char *dev)
{
	static const char *const words[] = {"addr_gen_mode", "accept_ra"};
	static const char *const to[] = {"1", "0"};
	char path[128];

	for (int i = 0; i < 2; i++) {
		int fd;

		(void)snprintf(path, sizeof(path),
			       "/proc/sys/net/ipv6/conf/%s/%s", dev, words[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue; /* a kernel without IPv6 */
		(void)!write(fd, to[i], 1);
		close(fd);
	}
}

static int device(char *spec)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char path[256], *dev = strchr(spec, ':');
	int ns, fd, s;

	if (!dev || strlen(dev + 1) >= IFNAMSIZ || !dev[1]) {
		(void)fputs(usage_text, stderr);
		exit(2);
	}
	*dev++ = '\0';
	(void)snprintf(path, sizeof(path), "/run/netns/%s", spec);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("/dev/net/tun");
	memcpy(r.ifr_name, dev, strlen(dev) + 1);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		die(dev);
	no_ipv6_talk(dev);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		die("socket");
	set_up(s, &r, SIOCSIFTXQLEN, (struct ifreq){.ifr_qlen = TXQLEN});
	set_up(s, &r, SIOCSIFFLAGS,
	       (struct ifreq){.ifr_flags = IFF_UP | IFF_RUNNING});
	close(s);
	return fd;
}

/* ------------------------------------------------------------- the packets */
static bool is_multicast6(const uint8_t *p, size_t len)
{
	return len >= 40 && p[0] >> 4 == 6 && p[24] == 0xff;
}

/* A batch from one end; how many there were. */
static int carry_in(int i)
{
	int got = 0;

	for (uint64_t now = now_ns(); got < BATCH && nfree > 0; got++) {
		uint32_t slot = free_slots[nfree - 1];
		uint8_t *p = store + (size_t)slot * SLOT;
		ssize_t n = read(fds[i], p, SLOT);
		unsigned copies;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			die("read");
		if (n == SLOT) {
			count[i].oversize++;
			continue;
		}
		if (is_multicast6(p, (size_t)n))
			continue;
		copies = way_arrive(&ways[i], slot, (uint32_t)n, now);
		if (copies) {
			uses[slot] = (uint8_t)copies;
			nfree--;
		}
	}
	count[i].full += nfree == 0;
	return got;
}

/* All whose time has come, to the other end. */
static int carry_out(int i)
{
	uint64_t now = now_ns(), late;
	struct way_entry e;
	int sent = 0;

	while (way_take(&ways[i], now, &e)) {
		ssize_t n;

		late = now > e.due ? now - e.due : 0;
		if (late > count[i].late_max)
			count[i].late_max = late;
		count[i].late += late > LATE;
		n = write(fds[1 - i], store + (size_t)e.slot * SLOT, e.len);
		if (n != (ssize_t)e.len)
			count[i].refused++;
		if (--uses[e.slot] == 0)
			free_slots[nfree++] = e.slot;
		if (++sent % 16 == 0)
			now = now_ns();
	}
	return sent;
}

static void print_way(int i)
{
	const struct way_count *c = &ways[i].count;

#define N(v) (unsigned long long)(v)
	printf("{\"in\":%llu,\"in_octets\":%llu,\"out\":%llu,"
	       "\"out_octets\":%llu,\"lost\":%llu,\"queue_dropped\":%llu,"
	       "\"duplicated\":%llu,\"reordered\":%llu,\"queue_max\":%llu,"
	       "\"refused\":%llu,\"oversize\":%llu,\"full\":%llu,"
	       "\"late\":%llu,\"late_max_us\":%llu}",
	       N(c->in), N(c->in_octets), N(c->out), N(c->out_octets),
	       N(c->lost), N(c->dropped), N(c->duplicated), N(c->reordered),
	       N(c->queue_max), N(count[i].refused), N(count[i].oversize),
	       N(count[i].full), N(count[i].late), N(count[i].late_max / 1000));
#undef N
}

static void print_counters(void)
{
	(void)fputs("{\"there\":", stdout);
	print_way(0);
	(void)fputs(",\"back\":", stdout);
	print_way(1);
	(void)puts("}");
	(void)fflush(stdout);
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		show = 1;
	else
		stop = 1;
}

static void run(const sigset_t *open_mask)
{
	struct pollfd p[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};

	while (!stop) {
		int moved = carry_in(0) + carry_in(1);
		uint64_t next, other, now;
		struct timespec t;

		moved += carry_out(0) + carry_out(1);
		if (show) {
			show = 0;
			print_counters();
		}
		now = now_ns();
		next = way_next(&ways[0]);
		other = way_next(&ways[1]);
		if (other < next)
			next = other;
		if (moved && grain)
			next = now + grain;
		other = next > now ? next - now : 0;
		t = (struct timespec){(time_t)(other / 1000000000u),
				      (long)(other % 1000000000u)};
		if (ppoll(p, moved && grain ? 0 : 2,
			  next == WAY_NEVER ? NULL : &t, open_mask) < 0 &&
		    errno != EINTR)
			die("ppoll");
	}
}

static void realtime(void)
{
	struct sched_param p = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		die("--realtime");
}

static void options(int argc, char **argv, struct way_set set[2])
{
	static const struct option names[] = {
		{"delay", 1, NULL, 'd'},    {"jitter", 1, NULL, 'j'},
		{"loss", 1, NULL, 'l'},	    {"burst", 1, NULL, 'b'},
		{"rate", 1, NULL, 'r'},	    {"queue", 1, NULL, 'q'},
		{"reorder", 1, NULL, 'o'},  {"depth", 1, NULL, 'D'},
		{"hold", 1, NULL, 'H'},	    {"duplicate", 1, NULL, 'u'},
		{"seed", 1, NULL, 's'},	    {"grain", 1, NULL, 'g'},
		{"realtime", 0, NULL, 'R'}, {"help", 0, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, at = 0;
	double v[2];

	while ((c = getopt_long(argc, argv, "h", names, &at)) != -1) {
		const char *name = names[at].name;

#define BOTH(field, type, unit, most)       \
	value(name, optarg, unit, most, v); \
	set[0].field = (type)v[0];          \
	set[1].field = (type)v[1];          \
	break
		switch (c) {
		case 'd':
			BOTH(delay, uint64_t, 1e6, 60e9);
		case 'j':
			BOTH(jitter, uint64_t, 1e6, 60e9);
		case 'l':
			BOTH(loss, double, 0.01, 1);
		case 'b':
			BOTH(burst, double, 1, 1e6);
		case 'r':
			BOTH(rate, double, 1, 1e12);
		case 'q':
			BOTH(queue, uint64_t, 1, 1e12);
		case 'o':
			BOTH(reorder, double, 0.01, 1);
		case 'D':
			BOTH(depth, unsigned, 1, 1e6);
		case 'H':
			BOTH(hold, uint64_t, 1e6, 60e9);
		case 'u':
			BOTH(duplicate, double, 0.01, 1);
		case 's':
			value(name, optarg, 1, 9e15, v);
			set[0].seed = (uint64_t)v[0] * 2;
			set[1].seed = (uint64_t)v[1] * 2 + 1;
			break;
		case 'g':
			value(name, optarg, 1e3, 1e9, v);
			grain = (uint64_t)v[0];
			break;
		case 'R':
			realtime();
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			exit(0);
		default:
			(void)fputs(usage_text, stderr);
			exit(2);
		}
#undef BOTH
	}
}

int main(int argc, char **argv)
{
	struct way_set set[2];
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t mask, old;

	for (int i = 0; i < 2; i++)
		set[i] = (struct way_set){.burst = 1,
					  .depth = 3,
					  .hold = 5000000,
					  .seed = 2 + (uint64_t)i};
	options(argc, argv, set);
	if (argc - optind != 2) {
		(void)fputs(usage_text, stderr);
		return 2;
	}
	/* signals come while it waits, so that none is missed */
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	store = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (store == MAP_FAILED)
		die("memory");
	while (nfree < SLOTS) {
		free_slots[nfree] = SLOTS - 1 - nfree;
		nfree++;
	}
	for (int i = 0; i < 2; i++) {
		way_init(&ways[i], &set[i], 2 * SLOTS);
		fds[i] = device(argv[optind + i]);
	}
	(void)puts("ready");
	(void)fflush(stdout);
	run(&old);
	print_counters();
	way_free(&ways[0]);
	way_free(&ways[1]);
	return 0;
}
