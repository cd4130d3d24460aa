/* SPDX-License-Identifier: MIT */
/* secrets.c - random octets from the kernel, which waits until it has some. */
#include <errno.h>
#include <sys/random.h>

#include "daemon/secrets.h"

bool secrets_fill(void *p, size_t len)
{
	unsigned char *at = p;

	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}
