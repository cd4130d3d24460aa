/* SPDX-License-Identifier: MIT */
/* stackmem.h - the memory of the stack (map, discard, unmap of tcpd.h). */
#ifndef DAEMON_STACKMEM_H
#define DAEMON_STACKMEM_H

#include "tcpd.h"

void stackmem_use(struct tcpd_settings *s);

#endif /* DAEMON_STACKMEM_H */
