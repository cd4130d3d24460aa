/* SPDX-License-Identifier: MIT */
/*
 * selftest.c - the adapter without packetdrill: loads tcpd-packetdrill.so as
 * packetdrill does and plays conversations through the interface, in virtual
 * time.  Prints TAP.
 *
 *	selftest ADAPTER
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iface.h"
#include "test/harness/packet.h"

#define OUR_PORT 4321

static struct packetdrill_interface ifc;
static void *u;
static int version;	 /* 4, 6 */
static const char *path; /* of the adapter */
static int ntests, failures;

#define CHECK(x)                                                           \
	do {                                                               \
		if (!(x)) {                                                \
			printf("# line %d: %s (errno %d)\n", __LINE__, #x, \
			       errno);                                     \
			return false;                                      \
		}                                                          \
	} while (0)

typedef void init(const char *flags, struct packetdrill_interface *ifc);

static init *load(void)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!so) {
		printf("Bail out! %s\n", dlerror());
		exit(1);
	}
	return (init *)dlsym(so, "packetdrill_interface_init");
}

/* --- time, and what comes out */

static long long now(void)
{
	struct timeval tv;

	ifc.gettimeofday(u, &tv, NULL);
	return (long long)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* What packetdrill sees of a segment. */
struct seen {
	long long at;
	size_t len; /* of the text */
	uint32_t seq, ack;
	uint16_t sport;
	uint8_t flags, opt[40];
	size_t nopt;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static bool next(struct seen *s)
{
	static uint8_t buf[65536];
	size_t n = sizeof(buf), head = version == 4 ? 20 : 40, tcp;

	memset(s, 0, sizeof(*s));
	if (ifc.netdev_receive(u, buf, &n, &s->at) || n < head + 20)
		return false;
	tcp = (size_t)(buf[head + 12] >> 4) * 4;
	s->sport = (uint16_t)(buf[head] << 8 | buf[head + 1]);
	s->seq = be32(buf + head + 4);
	s->ack = be32(buf + head + 8);
	s->flags = buf[head + 13];
	s->nopt = tcp - 20;
	memcpy(s->opt, buf + head + 20, s->nopt);
	s->len = n - head - tcp;
	return true;
}

/* --- a peer */

static uint32_t iss, rcv;   /* its next number, and what it has of ours */
static uint16_t local_port; /* of the stack */
static uint16_t their_port = 999;

static void address(struct packet *p, uint8_t ip[16], bool ours)
{
	static const uint8_t a4[2][16] = {
		{[10] = 0xff, [11] = 0xff, [12] = 192, 0, 2, 7},
		{[10] = 0xff, [11] = 0xff, [12] = 192, 168, 5, 6}};
	static const uint8_t a6[2][16] = {{0xfd, 1, [15] = 7},
					  {0xfd, 2, [15] = 6}};

	memcpy(ip, version == 4 ? a4[ours] : a6[ours], 16);
	p->version = (uint8_t)version;
}

static void inject(uint8_t flags, size_t len)
{
	static uint8_t buf[PACKET_MAX], text[20000];
	struct packet p = {.protocol = PROTO_TCP,
			   .ttl = 64,
			   .sport = their_port,
			   .dport = local_port,
			   .seq = iss,
			   .ack = rcv,
			   .flags = flags,
			   .wnd = 20000,
			   .data = text,
			   .len = (uint32_t)len};

	address(&p, p.src, false);
	address(&p, p.dst, true);
	ifc.netdev_send(u, buf, packet_build(&p, buf));
	iss += packet_span(&p);
}

static socklen_t sockaddr(struct sockaddr_storage *ss, bool ours, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(port)};
	struct packet p;
	uint8_t ip[16];

	address(&p, ip, ours);
	memset(ss, 0, sizeof(*ss));
	if (version == 4) {
		memcpy(&in.sin_addr, ip + 12, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, ip, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

static int new_socket(void)
{
	return ifc.socket(u, version == 4 ? AF_INET : AF_INET6, SOCK_STREAM,
			  IPPROTO_TCP);
}

static bool listens(int *l)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr(&ss, true, OUR_PORT);
	int one = 1;

	*l = new_socket();
	CHECK(*l >= 0);
	CHECK(!ifc.setsockopt(u, *l, SOL_SOCKET, SO_REUSEADDR, &one,
			      sizeof(one)));
	CHECK(!ifc.bind(u, *l, (struct sockaddr *)&ss, n));
	CHECK(!ifc.listen(u, *l, 5));
	local_port = OUR_PORT;
	return true;
}

/* An accepted connection: its handshake is played, and checked. */
static bool accepted(int *l, int *fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct seen s;

	their_port++; /* what came before may be in TIME-WAIT */
	CHECK(listens(l));
	iss = 5000;
	rcv = 0;
	inject(FLAG_SYN, 0);
	CHECK(next(&s));
	CHECK(s.flags == (FLAG_SYN | FLAG_ACK) && s.ack == iss);
	rcv = s.seq + 1;
	inject(FLAG_ACK, 0);
	*fd = ifc.accept(u, *l, (struct sockaddr *)&ss, &n);
	CHECK(*fd >= 0);
	CHECK(n == (version == 4 ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6)));
	CHECK(ntohs(((struct sockaddr_in *)&ss)->sin_port) == their_port);
	return true;
}

static bool closed(int l, int fd)
{
	struct seen s;

	CHECK(!ifc.close(u, fd));
	CHECK(next(&s) && s.flags & (FLAG_FIN | FLAG_RST));
	return !ifc.close(u, l);
}

/* --- the tests */

static bool fills_every_member(void)
{
	void *const *at = (void *const *)&ifc;

	for (size_t i = 0; i < sizeof(ifc) / sizeof(*at); i++)
		CHECK(at[i]);
	return true;
}

static bool plays_a_whole_connection(void)
{
	static char buf[4000];
	struct seen s;
	int l, fd;

	CHECK(accepted(&l, &fd));
	inject(FLAG_ACK | FLAG_PSH, 700);
	CHECK(next(&s) && s.flags == FLAG_ACK && s.ack == iss);
	CHECK(ifc.read(u, fd, buf, sizeof(buf)) == 700);
	CHECK(ifc.write(u, fd, buf, 1000) == 1000);
	/* the peer named no MSS: 536 or 1220 octets a segment */
	for (size_t got = 0; got < 1000; got += s.len) {
		CHECK(next(&s) && s.seq == rcv + got);
		CHECK(!(s.flags & FLAG_PSH) == (got + s.len < 1000));
	}
	rcv += 1000;
	inject(FLAG_ACK, 0);
	CHECK(!ifc.close(u, fd));
	CHECK(next(&s) && s.flags == (FLAG_FIN | FLAG_ACK) && s.seq == rcv);
	rcv++;
	inject(FLAG_FIN | FLAG_ACK, 0);
	CHECK(next(&s) && s.flags == FLAG_ACK && s.ack == iss);
	return !ifc.close(u, l);
}

static bool time_moves_only_when_told(void)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr(&ss, false, their_port);
	long long start;
	struct seen s;
	int fd = new_socket();

	CHECK(!ifc.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK(ifc.fcntl(u, fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
	start = now();
	CHECK(ifc.connect(u, fd, (struct sockaddr *)&ss, n) == -1);
	CHECK(errno == EINPROGRESS);
	CHECK(!ifc.usleep(u, 2500000));
	CHECK(now() - start >= 2500000 && now() - start < 2500100);
	/* what left meanwhile says when: SYNs a second apart */
	for (int i = 0; i < 4; i++) {
		CHECK(next(&s) && s.flags == FLAG_SYN);
		CHECK(s.at - start >= i * 1000000LL);
		CHECK(s.at - start < i * 1000000LL + 5000);
	}
	CHECK(now() - start >= 3000000);
	/* mss, sackOK, TS, nop, wscale: Linux's order */
	CHECK(s.nopt == 20 && s.opt[0] == 2 && s.opt[4] == 4 && s.opt[6] == 8 &&
	      s.opt[16] == 1 && s.opt[17] == 3 && s.opt[19] == 8);
	return !ifc.close(u, fd);
}

static bool refusal_is_told(void)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr(&ss, false, their_port), len = sizeof(int);
	struct pollfd p = {.events = POLLOUT};
	struct seen s;
	int err = 0, fd = new_socket();

	CHECK(!ifc.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK(ifc.connect(u, fd, (struct sockaddr *)&ss, n) == -1);
	CHECK(next(&s));
	p.fd = fd;
	CHECK(ifc.poll(u, &p, 1, 0) == 0);
	local_port = s.sport;
	iss = 0;
	rcv = s.seq + 1;
	inject(FLAG_RST | FLAG_ACK, 0);
	CHECK(ifc.poll(u, &p, 1, 0) == 1 && p.revents & POLLERR);
	CHECK(!ifc.getsockopt(u, fd, SOL_SOCKET, SO_ERROR, &err, &len));
	CHECK(err == ECONNREFUSED);
	return !ifc.close(u, fd);
}

struct blocked {
	int fd;
	ssize_t got;
	long long at;
};

static void *reads(void *arg)
{
	struct blocked *b = arg;
	char buf[100];

	b->got = ifc.read(u, b->fd, buf, sizeof(buf));
	b->at = now();
	return NULL;
}

static bool sleeps(pid_t tid)
{
	char name[64], text[512] = "";
	FILE *f;

	(void)snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
	f = fopen(name, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, ") S ") != NULL;
}

static pid_t reader_tid;

static void *reads_known(void *arg)
{
	__atomic_store_n(&reader_tid, gettid(), __ATOMIC_RELEASE);
	return reads(arg);
}

static bool a_call_that_blocks_ends_when_it_should(void)
{
	struct blocked b = {0};
	pthread_t thread;
	long long sent;
	struct seen s;
	int l;

	CHECK(accepted(&l, &b.fd));
	reader_tid = 0;
	CHECK(!pthread_create(&thread, NULL, reads_known, &b));
	while (!__atomic_load_n(&reader_tid, __ATOMIC_ACQUIRE) ||
	       !sleeps(reader_tid))
		sched_yield();
	CHECK(!ifc.usleep(u, 100000));
	sent = now();
	inject(FLAG_ACK | FLAG_PSH, 10);
	/* its end is not later because the time went on */
	CHECK(!ifc.usleep(u, 50000));
	CHECK(!pthread_join(thread, NULL));
	CHECK(b.got == 10 && b.at - sent >= 0 && b.at - sent < 100);
	CHECK(next(&s) && s.flags == FLAG_ACK);
	return closed(l, b.fd);
}

static bool edges_are_told_once(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET}, got;
	struct seen s;
	int l, fd, ep;

	CHECK(accepted(&l, &fd));
	ep = ifc.epoll_create(u, 1);
	CHECK(ep >= 0);
	ev.data.fd = fd;
	CHECK(!ifc.epoll_ctl(u, ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK(ifc.epoll_wait(u, ep, &got, 1, 0) == 1);
	CHECK(got.events == EPOLLOUT && got.data.fd == fd);
	CHECK(ifc.epoll_wait(u, ep, &got, 1, 0) == 0);
	inject(FLAG_ACK | FLAG_PSH, 10);
	CHECK(next(&s));
	CHECK(ifc.epoll_wait(u, ep, &got, 1, 0) == 1);
	CHECK(got.events == (EPOLLIN | EPOLLOUT));
	CHECK(ifc.epoll_wait(u, ep, &got, 1, 0) == 0);
	CHECK(!ifc.close(u, ep));
	return closed(l, fd);
}

static bool bad_pointers_are_no_crash(void)
{
	int l, fd, waits = -1;
	struct seen s;

	CHECK(accepted(&l, &fd));
	CHECK(ifc.write(u, fd, NULL, 10) == -1 && errno == EFAULT);
	inject(FLAG_ACK | FLAG_PSH, 10);
	CHECK(next(&s));
	CHECK(ifc.read(u, fd, NULL, 10) == -1 && errno == EFAULT);
	CHECK(!ifc.ioctl(u, fd, SIOCINQ, &waits) && waits == 10);
	CHECK(ifc.read(u, 999, &waits, 1) == -1 && errno == EBADF);
	return closed(l, fd);
}

static bool sysctls_of_a_script_count(void)
{
	const char *file = getenv("TCPD_PACKETDRILL_SYSCTL");
	struct sockaddr_storage ss;
	socklen_t n = sockaddr(&ss, false, their_port);
	struct seen s;
	FILE *f;
	int fd;

	CHECK(file);
	while (next(&s))
		;
	f = fopen(file, "ae");
	CHECK(f);
	(void)fputs("net.ipv4.tcp_timestamps=0\nnet.ipv4.tcp_ecn=1\n", f);
	fclose(f);
	fd = new_socket();
	CHECK(!ifc.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK(ifc.connect(u, fd, (struct sockaddr *)&ss, n) == -1);
	CHECK(next(&s) && s.nopt == 12 &&
	      s.flags == (FLAG_SYN | FLAG_ECE | FLAG_CWR));
	return !ifc.close(u, fd);
}

/* The script fails then; a packet that never comes must not hang. */
static bool nothing_is_no_packet(void)
{
	struct seen s;

	while (next(&s))
		;
	CHECK(!next(&s));
	return true;
}

static bool ends_with(const char *flags, int code)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct packetdrill_interface other = {0};

		if (!freopen("/dev/null", "w", stderr))
			_exit(9);
		load()(flags, &other);
		other.free(other.userdata);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
	return true;
}

static bool wrong_flags_end_it(void)
{
	return ends_with("mtu=20", 1) && ends_with("speed=9", 1) &&
	       ends_with("clock=real", 1) && ends_with("set=mtu", 1) &&
	       ends_with("set=profile=bsd", 1) && ends_with(NULL, 0) &&
	       ends_with("set=profile=modern,mtu=1400", 0);
}

static void test(bool (*fn)(void), const char *name)
{
	bool good = fn();

	failures += !good;
	printf("%sok %d - %s, IPv%d\n", good ? "" : "not ", ++ntests, name,
	       version);
}

#define TEST(name) test(name, #name)

int main(int argc, char **argv)
{
	static const char *const flags[] = {
		"local=192.168.5.6,remote=192.0.2.7,mtu=1500",
		"local=fd02::6,remote=fd01::7,mtu=1520"};

	if (argc != 2) {
		(void)fputs("usage: selftest ADAPTER\n", stderr);
		return 2;
	}
	path = argv[1];
	setbuf(stdout, NULL);
	version = 4;
	TEST(wrong_flags_end_it);
	for (int i = 0; i < 2; i++) {
		version = i ? 6 : 4;
		memset(&ifc, 0, sizeof(ifc));
		load()(flags[i], &ifc);
		u = ifc.userdata;
		TEST(fills_every_member);
		TEST(plays_a_whole_connection);
		TEST(time_moves_only_when_told);
		TEST(refusal_is_told);
		TEST(a_call_that_blocks_ends_when_it_should);
		TEST(edges_are_told_once);
		TEST(bad_pointers_are_no_crash);
		TEST(sysctls_of_a_script_count);
		TEST(nothing_is_no_packet);
		ifc.free(u);
	}
	printf("1..%d\n", ntests);
	return failures > 0;
}
