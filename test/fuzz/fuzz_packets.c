/* SPDX-License-Identifier: MIT */
/*
 * fuzz_packets.c - the stack fed by a script of octets: segments near the
 * edges of its windows, raw packets, the user's calls, time and failing
 * writes.  Whatever comes, tcpd_check() stays content, every packet out is
 * one that the strict reader accepts, and what is read was sent.
 */
#include <stdlib.h>
#include <string.h>

#include "tcpd.h"
#include "test/harness/drive.h"

/* libFuzzer gives the name */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct drive *d = drive_open(data, size);

	while (drive_step(d))
		;
	drive_close(d);
	return 0;
}
