#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# app_workers.sh - processes that share a listener's fd, as forking servers
# do: each connection reaches exactly one of them, with any backlog.
#
# FULL=1: 20,000 connections.
. "$(dirname "$0")/lib.sh"

count=${FULL:+20000}
count=${count:-2000}

tcpd_start
for backlog in 1 8 128 4096; do
	ok "$count connections to four workers, backlog $backlog" \
		in_ns "$BUILD/test/net/appworkers" "$stack" 4 "$count" \
		$backlog
	diag "$(cat "$tmp/ok.log")"
	wait_for '! tcpctl ss -l | grep -q :5000' 2
	tcpd_stop
	tcpd_start
done

done_testing
