/* SPDX-License-Identifier: MIT */
/* secrets.h - random octets for keys. */
#ifndef DAEMON_SECRETS_H
#define DAEMON_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

/* Fill |p|; false (errno): the kernel gave none. */
bool secrets_fill(void *p, size_t len);

#endif /* DAEMON_SECRETS_H */
