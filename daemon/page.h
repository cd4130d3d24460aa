/* SPDX-License-Identifier: MIT */
/* page.h - the status page (service_http.c). */
#ifndef DAEMON_PAGE_H
#define DAEMON_PAGE_H

#include "daemon.h"
#include "text.h"

/* The whole page; walks over every connection. */
void page_make(struct daemon *d, struct text *t);

#endif /* DAEMON_PAGE_H */
