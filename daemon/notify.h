/* SPDX-License-Identifier: MIT */
/* notify.h - words to the service manager (sd_notify(3)); none: nothing. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

void notify_ready(void);
void notify_reloading(void); /* notify_ready() follows */
void notify_stopping(void);

#endif /* DAEMON_NOTIFY_H */
