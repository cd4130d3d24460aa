/* SPDX-License-Identifier: MIT */
/*
 * tun.c - packets from and to the TUN device.
 *
 * The device gives no back-pressure and checks next to nothing, so lengths
 * are checked here before a write.  Its faults: link down (EIO: wait for
 * link.c), a full queue (EAGAIN: wait for room), no memory (ENOBUFS: a little
 * later), deleted (EBADFD: attach the same descriptor again, less and less
 * often).  None of them makes the loop spin.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/link.h"
#include "daemon/thread.h"
#include "daemon/tun.h"
#include "daemon/tundev.h"
#include "daemon/vnet.h"

#define PACKET_MAX   65536u
#define BEFORE	     64u /* room before a packet, so that it is aligned */
/* A batch's packets lie one behind the other, so that many small ones among
 * large ones do not spread them over more than the processor's cache. */
#define BUFFER	     (TUN_OCTETS + BEFORE + PACKET_MAX)
#define ERROR_HOLD   5000000u	 /* ns until a write is tried again */
#define DOWN_HOLD    1000000000u /* the same for EIO, should no news come */
#define READ_PAUSE   0.1
#define ATTACH_FIRST 0.1
#define ATTACH_LAST  5.0

struct tun {
	struct tundev dev;
	uint8_t *buf;
	ev_io rd, wr;
	ev_timer later; /* attach again, or read again after an error */
	double backoff;
	bool readable, blocked, gone, told;
	uint64_t hold; /* no write before */
	uint32_t mtu;
	struct tun_stats stats;
	struct log_limit read_limit, write_limit, header_limit;
};

static void on_readable(EV_P_ ev_io *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	d->tun->readable = true;
	daemon_kick(d);
}

static void on_writable(EV_P_ ev_io *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	d->tun->blocked = false;
	ev_io_stop(EV_A_ w);
	daemon_kick(d);
}

static void pause_for(struct daemon *d, double seconds)
{
	struct tun *t = d->tun;

	ev_io_stop(d->loop, &t->rd);
	ev_io_stop(d->loop, &t->wr);
	t->readable = false;
	ev_timer_stop(d->loop, &t->later);
	ev_timer_set(&t->later, seconds, 0.);
	ev_timer_start(d->loop, &t->later);
}

static void device_gone(struct daemon *d)
{
	struct tun *t = d->tun;

	if (t->gone)
		return;
	t->gone = true;
	t->told = false;
	t->stats.link_up = false;
	t->backoff = ATTACH_FIRST;
	log_error("tun: interface %s was deleted; connections wait for it",
		  t->dev.name);
	pause_for(d, t->backoff);
}

static void attach_again(struct daemon *d)
{
	struct tun *t = d->tun;
	int rc = tundev_attach(&t->dev);
	char cmds[LINK_COMMANDS_MAX];

	if (rc == 0 || rc == EEXIST) { /* EEXIST: it never went */
		t->gone = t->blocked = false;
		t->hold = 0;
		t->stats.link_up = true;
		log_info("tun: interface %s is there again", t->dev.name);
		link_attach(d);
		return;
	}
	if (!t->told) {
		t->told = true;
		log_error("tun: cannot make interface %s again: %s; run: ip "
			  "tuntap add dev %s mode tun user %u; %s",
			  t->dev.name, strerror(rc), t->dev.name,
			  (unsigned)d->uid,
			  link_commands(d, cmds, sizeof(cmds)));
	}
	t->backoff =
		t->backoff * 2 < ATTACH_LAST ? t->backoff * 2 : ATTACH_LAST;
	pause_for(d, t->backoff);
}

static void on_later(EV_P_ ev_timer *w, int revents)
{
	struct daemon *d = w->data;
	struct tun *t = d->tun;

	(void)revents;
	if (t->gone)
		attach_again(d);
	if (t->gone)
		return;
	ev_io_start(EV_A_ & t->rd);
	if (t->blocked)
		ev_io_start(EV_A_ & t->wr);
	daemon_kick(d);
}

int tun_open(struct daemon *d, int fd, char *err, size_t nerr)
{
	struct tun *t = calloc(1, sizeof(*t));
	int rc;

	if (!t) {
		(void)snprintf(err, nerr, "tun: out of memory");
		return -1;
	}
	rc = fd >= 0 ? tundev_adopt(&t->dev, fd, d->conf->offload, err, nerr)
		     : tundev_open(&t->dev, d->conf->tun, d->conf->offload, err,
				   nerr);
	if (rc) {
		free(t);
		return -1;
	}
	t->buf = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->buf == MAP_FAILED) {
		(void)snprintf(err, nerr, "tun: mmap: %s", strerror(errno));
		close(t->dev.fd);
		free(t);
		return -1;
	}
	t->stats.link_up = true;
	t->stats.offload = t->dev.vnet && t->dev.offload;
	t->mtu = d->conf->mtu;
	d->tun = t;
	return 0;
}

void tun_start(struct daemon *d)
{
	struct tun *t = d->tun;

	ev_io_init(&t->rd, on_readable, t->dev.fd, EV_READ);
	ev_io_init(&t->wr, on_writable, t->dev.fd, EV_WRITE);
	ev_timer_init(&t->later, on_later, 0., 0.);
	t->rd.data = t->wr.data = t->later.data = d;
	ev_io_start(d->loop, &t->rd);
}

void tun_close(struct daemon *d)
{
	struct tun *t = d->tun;

	if (!t)
		return;
	if (t->later.data) {
		ev_io_stop(d->loop, &t->rd);
		ev_io_stop(d->loop, &t->wr);
		ev_timer_stop(d->loop, &t->later);
	}
	close(t->dev.fd);
	munmap(t->buf, BUFFER);
	free(t);
	d->tun = NULL;
}

const char *tun_name(const struct daemon *d)
{
	return d->tun->dev.name;
}

bool tun_offloads(const struct daemon *d)
{
	return d->tun->stats.offload;
}

void tun_stats(const struct daemon *d, struct tun_stats *s)
{
	*s = d->tun->stats;
}

void tun_link(struct daemon *d, bool up, uint32_t mtu)
{
	struct tun *t = d->tun;

	t->mtu = mtu;
	if (t->gone)
		return;
	t->stats.link_up = up;
	if (up)
		t->hold = 0;
}

bool tun_readable(const struct daemon *d)
{
	return d->tun->readable;
}

/* What read() said; true: another packet may still be there. */
static bool read_failed(struct daemon *d, int error)
{
	struct tun *t = d->tun;

	if (error == EINTR)
		return true;
	t->readable = false;
	if (error == EAGAIN)
		return false;
	if (error == EBADFD) {
		device_gone(d);
		return false;
	}
	/* The descriptor stays readable: a pause, so that this cannot spin. */
	t->stats.read_errors++;
	log_seldom(&t->read_limit, CONF_LOG_WARN, "tun: read from %s: %s",
		   t->dev.name, strerror(error));
	pause_for(d, READ_PAUSE);
	return false;
}

/*
 * The system calls themselves: the C library makes each a point where a thread
 * can be cancelled, as nobody cancels this one, and a small packet would take
 * a twentieth longer for it.
 */
static ssize_t sys_read(int fd, void *p, size_t n)
{
	return syscall(SYS_read, fd, p, n);
}

static ssize_t sys_writev(int fd, const struct iovec *iov, int n)
{
	/* of one piece it is cheaper this way */
	return n == 1 ? syscall(SYS_write, fd, iov->iov_base, iov->iov_len)
		      : syscall(SYS_writev, fd, iov, n);
}

bool tun_read(struct daemon *d, size_t *at, struct tcpd_packet *pkt)
{
	struct tun *t = d->tun;
	size_t nhdr = t->dev.vnet ? VNET_LEN : 0;
	uint8_t *p = t->buf + *at + BEFORE;
	ssize_t n;

	while (t->readable && *at < TUN_OCTETS) {
		n = sys_read(t->dev.fd, p - nhdr, nhdr + PACKET_MAX);
		if (n < 0) {
			if (!read_failed(d, errno))
				return false;
			continue;
		}
		if ((size_t)n <= nhdr) {
			t->readable = n != 0;
			continue;
		}
		*pkt = (struct tcpd_packet){
			.data = p,
			.len = (uint32_t)((size_t)n - nhdr),
		};
		if (!nhdr || vnet_in(pkt, p - nhdr)) {
			*at += BEFORE +
			       (pkt->len + BEFORE - 1) / BEFORE * BEFORE;
			return true;
		}
		t->stats.bad_headers++;
		log_seldom(&t->header_limit, CONF_LOG_WARN,
			   "tun: %s gave a packet whose header contradicts "
			   "itself; dropped",
			   t->dev.name);
	}
	return false;
}

bool tun_may_write(const struct daemon *d)
{
	const struct tun *t = d->tun;

	return !t->gone && !t->blocked &&
	       (t->hold == 0 || mono_now() >= t->hold) &&
	       (t->stats.link_up || t->hold);
}

uint64_t tun_retry_at(const struct daemon *d)
{
	const struct tun *t = d->tun;

	return t->gone || t->blocked || t->hold == 0 ? UINT64_MAX : t->hold;
}

/* The device takes anything: what it must not get is kept from it here. */
static bool fits(const struct tun *t, const struct tcpd_out *out)
{
	size_t sum = out->nhead;
	unsigned v = out->nhead ? out->head[0] >> 4 : 0;

	if (out->nhead > sizeof(out->head) || out->nslices > TCPD_SLICES_MAX)
		return false;
	for (unsigned i = 0; i < out->nslices; i++)
		sum += out->slice[i].len;
	if (sum != out->len || sum < 20 || (v != 4 && v != 6))
		return false;
	if (out->off.gso_size)
		return t->stats.offload && sum < PACKET_MAX &&
		       out->nhead + (size_t)out->off.gso_size <= t->mtu;
	return sum <= t->mtu;
}

static int write_failed(struct daemon *d, int error)
{
	struct tun *t = d->tun;

	switch (error) {
	case EAGAIN:
		t->blocked = true;
		ev_io_start(d->loop, &t->wr);
		return error;
	case EBADFD:
		device_gone(d);
		return error;
	case EIO:
		t->stats.link_up = false;
		t->hold = mono_now() + DOWN_HOLD;
		return error;
	default:
		t->stats.write_errors++;
		t->hold = mono_now() + ERROR_HOLD;
		log_seldom(&t->write_limit, CONF_LOG_WARN,
			   "tun: write to %s: %s", t->dev.name,
			   strerror(error));
		return error;
	}
}

int tun_write(struct daemon *d, const struct tcpd_out *out)
{
	uint8_t head[VNET_LEN + sizeof(out->head)];
	struct iovec iov[1 + TCPD_SLICES_MAX];
	struct tun *t = d->tun;
	size_t nhdr = t->dev.vnet ? VNET_LEN : 0;
	int n = 1;
	ssize_t w;

	if (!fits(t, out))
		return write_failed(d, EMSGSIZE);
	if (nhdr)
		vnet_out(head, &out->off, out->head, out->nhead);
	memcpy(head + nhdr, out->head, out->nhead);
	iov[0] = (struct iovec){head, nhdr + out->nhead};
	/* iovec has no const; writev() only reads. */
	for (unsigned i = 0; i < out->nslices; i++)
		iov[n++] = (struct iovec){(void *)out->slice[i].p,
					  out->slice[i].len};
	do
		w = sys_writev(t->dev.fd, iov, n);
	while (w < 0 && errno == EINTR);
	if (w < 0)
		return write_failed(d, errno);
	if ((size_t)w != nhdr + out->len)
		return write_failed(d, EMSGSIZE);
	/* Whatever the last fault was, and whether or not news of its end
	 * came: it takes packets. */
	if (t->hold) {
		t->hold = 0;
		t->stats.link_up = true;
	}
	return 0;
}
