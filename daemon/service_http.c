/* SPDX-License-Identifier: MIT */
/*
 * service_http.c - the status page, by libmicrohttpd.
 *
 * The web server gets one end of a socketpair, a pump between the other end
 * and the stack moves the octets: as an app's fd would, the page crosses
 * tcpd.  Its epoll set is watched by our loop; it has no thread, no socket of
 * its own, and no error log (it would complain about TCP options that a
 * socketpair has not got).
 *
 * Making the page looks at every connection, so with many of them it is kept
 * for ten times as long as it took to make.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "page.h"
#include "pump.h"
#include "service.h"

#define IDLE_SECONDS	30u
#define MEMORY_PER_CONN (16u * 1024)
#define CONNECTIONS_MAX 4096u
#define KEEP_FACTOR	10u

struct http {
	struct daemon *d;
	struct MHD_Daemon *mhd;
	ev_io io;
	ev_timer timer;
	struct MHD_Response *page;
	uint64_t page_until; /* CLOCK_MONOTONIC, ns */
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --------------------------------------------------------------- answers */

static struct MHD_Response *response(char *p, size_t len,
				     enum MHD_ResponseMemoryMode mode,
				     const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, p, mode);

	if (!r) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(p);
		return NULL;
	}
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL,
				      "no-store");
	return r;
}

static struct MHD_Response *status_page(struct http *h)
{
	uint64_t begin = clock_ns(), end;
	struct text t = {.len = 0};

	if (h->page && begin < h->page_until)
		return h->page;
	if (h->page)
		MHD_destroy_response(h->page);
	h->page = NULL;
	(void)daemon_now(h->d);
	page_make(h->d, &t);
	if (t.failed || !t.p) {
		text_free(&t);
		return NULL;
	}
	end = clock_ns();
	h->page_until = end + KEEP_FACTOR * (end - begin);
	h->page = response(t.p, t.len, MHD_RESPMEM_MUST_FREE,
			   "text/html; charset=utf-8");
	return h->page;
}

static enum MHD_Result answer_words(struct MHD_Connection *c, unsigned code,
				    const char *words)
{
	struct MHD_Response *r = response((char *)words, strlen(words),
					  MHD_RESPMEM_PERSISTENT, "text/plain");
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW,
					      "GET, HEAD");
	rc = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return rc;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's parameters */
static enum MHD_Result answer(void *arg, struct MHD_Connection *c,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *nupload, void **request)
{
	static int seen; /* its address marks a request that has begun */
	struct MHD_Response *page;

	(void)version;
	(void)upload;
	/* the head alone at first, then what a POST brings: thrown away */
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	if (*nupload) {
		*nupload = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_words(c, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "only GET and HEAD\n");
	if (strcmp(url, "/") != 0)
		return answer_words(c, MHD_HTTP_NOT_FOUND,
				    "no such page; there is /\n");
	page = status_page(arg);
	if (!page)
		return MHD_NO;
	return MHD_queue_response(c, MHD_HTTP_OK, page);
}

/* ------------------------------------------------------------------- loop */

/* Let the web server do what it can, and wake it for its time-outs. */
static void run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(h->mhd);
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		h->timer.repeat = ms ? (double)ms / 1000. : 0.0001;
	else
		h->timer.repeat = 0.;
	ev_timer_again(h->d->loop, &h->timer);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	run(w->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	run(w->data);
}

static int check(struct daemon *d, struct service *s, char *err, size_t nerr)
{
	const union MHD_DaemonInfo *info;
	struct http *h;

	if (d->services->http)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h) {
		(void)snprintf(err, nerr, "service %s: out of memory",
			       s->conf.name);
		return -1;
	}
	h->d = d;
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0,
				  NULL, NULL, answer, h,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)MEMORY_PER_CONN, MHD_OPTION_END);
	info = h->mhd ? MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)
		      : NULL;
	if (!info) {
		(void)snprintf(err, nerr,
			       "service %s: cannot start the web server: %s",
			       s->conf.name, strerror(errno));
		if (h->mhd)
			MHD_stop_daemon(h->mhd);
		free(h);
		return -1;
	}
	ev_io_init(&h->io, on_io, info->epoll_fd, EV_READ);
	ev_timer_init(&h->timer, on_timer, 0., 0.);
	h->io.data = h->timer.data = h;
	ev_io_start(d->loop, &h->io);
	d->services->http = h;
	return 0;
}

static void accept_one(struct daemon *d, struct service *s, tcpd_handle h)
{
	struct sockaddr nobody = {.sa_family = AF_UNIX};
	struct http *http = d->services->http;
	struct pump_socket sock = {.fd = -1};
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       sv) < 0) {
		log_seldom(&d->services->log_limit, CONF_LOG_WARN,
			   "service %s: socketpair: %s", s->conf.name,
			   strerror(errno));
		(void)tcpd_abort(d->st, h, d->now);
		return;
	}
	/* it closes its end itself when it takes no more */
	if (MHD_add_connection(http->mhd, sv[1], &nobody, sizeof(nobody)) ==
	    MHD_NO) {
		(void)tcpd_abort(d->st, h, d->now);
		close(sv[0]);
		return;
	}
	sock.fd = sv[0];
	(void)pump_start(d, s, h, &sock);
	run(http);
}

void service_http_stop(struct daemon *d)
{
	struct http *h = d->services->http;

	if (!h)
		return;
	ev_io_stop(d->loop, &h->io);
	ev_timer_stop(d->loop, &h->timer);
	MHD_stop_daemon(h->mhd);
	if (h->page)
		MHD_destroy_response(h->page);
	d->services->http = NULL;
	free(h);
}

const struct service_kind service_http = {"http", check, accept_one, NULL};
