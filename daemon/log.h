/* SPDX-License-Identifier: MIT */
/* log.h - start and end of the log (what others call is in daemon.h). */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "daemon/daemon.h"

/* Until log_start() lines go straight to |fd|; afterwards through the ring.
 * False: there is no thread, and lines go on straight. */
void log_init(int fd);
bool log_start(void);

/* Write what waits, for at most half a second; then straight again. */
void log_stop(void);

#endif /* DAEMON_LOG_H */
