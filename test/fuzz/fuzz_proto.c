/* SPDX-License-Identifier: MIT */
/*
 * fuzz_proto.c - whatever a client may send on app.sock, in any order, with
 * any of its fds: the daemon's side goes on, and when the client has closed
 * its fds nothing of it is left.
 *
 * An input is a row of steps.  A step is an octet that says which fd goes
 * along or what is done to it, two octets of length, and as many of a message.
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>

#include "test/unit/app_rig.h"

#define NFDS 8

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fds[NFDS];
static char dir[] = "/tmp/fuzz-proto-XXXXXX";

static void demand(bool right, const char *what)
{
	if (right)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void remove_dir(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/app.sock", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

static void start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	demand(mkdtemp(dir) != NULL, "no directory");
	(void)atexit(remove_dir);
	rig_start(dir);
	/* Tables of the app channel are a mapping, not of the heap. */
	__lsan_register_root_region(rig.d.app->mem, rig.d.app->nmem);
	for (int i = 0; i < NFDS; i++)
		fds[i] = -1;
}

/* A message of this process' own making is read back as it was. */
static void round_trip(const struct proto_msg *m)
{
	uint8_t buf[PROTO_MAX + 512], again[PROTO_MAX + 512];
	static struct proto_msg got;
	size_t n = proto_build_reply(m, buf, sizeof(buf));

	if (n == 0 || n > PROTO_MAX)
		return;
	demand(proto_parse_reply(&got, buf, n) == PROTO_OK, "reply unread");
	demand(proto_build_reply(&got, again, sizeof(again)) == n &&
		       memcmp(buf, again, n) == 0,
	       "reply differs");
}

static void message(const uint8_t *p, size_t len, int fd)
{
	static struct proto_msg m;
	int got = -1;

	(void)proto_parse_reply(&m, p, len);
	if (proto_parse_request(&m, p, len) != PROTO_OK)
		return;
	round_trip(&m);
	rig_ask(&m, fd, &got);
	round_trip(&m);
	if (got < 0)
		return;
	for (int i = 0; i < NFDS; i++)
		if (fds[i] < 0) {
			fds[i] = got;
			return;
		}
	close(got);
}

/* What an app does with an fd beside requests. */
static void act(unsigned what, int *fd)
{
	static char buf[300000];

	switch (what) {
	case 0:
		(void)!send(*fd, buf, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 1:
		(void)!send(*fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 2:
		(void)!recv(*fd, buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case 3:
		(void)shutdown(*fd, SHUT_WR);
		break;
	case 4:
		(void)shutdown(*fd, SHUT_RD);
		break;
	case 5:
		(void)!send(*fd, buf, 1, MSG_DONTWAIT | MSG_OOB | MSG_NOSIGNAL);
		break;
	case 6:
		close(*fd);
		*fd = -1;
		break;
	default:
		rig_settle();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	while (size >= 3) {
		unsigned step = data[0];
		size_t len = (size_t)data[1] | (size_t)data[2] << 8;
		int *fd = &fds[step % NFDS];

		data += 3;
		size -= 3;
		len = len < size ? len : size;
		if (step & 0x80) {
			if (*fd >= 0)
				act(step >> 4 & 7, fd);
			continue;
		}
		message(data, len, step & 0x40 ? -1 : *fd);
		data += len;
		size -= len;
	}
	rig_settle();
	for (int i = 0; i < NFDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	rig_settle();
	demand(rig.d.app->bridges.count == 0, "a bridge is left");
	demand(rig.d.app->users == NULL, "a user is left");
	return 0;
}
