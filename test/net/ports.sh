#!/bin/sh
# SPDX-License-Identifier: MIT
# ports.sh - 64 ephemeral ports are good for 64 connections to each of 100
# peers: a port is chosen by four-tuple.
. "$(dirname "$0")/lib.sh"

ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" -lt 8192 ]; then
	skip "6,400 connects over 64 ports" "needs 8192 fds"
	done_testing
fi
tcpd_start -o 'ports = 40000-40063'
in_ns sysctl -qw net.core.somaxconn=8192
for i in $(seq 100); do
	echo "addr add 10.90.0.$i/32 dev lo"
done | ip -n "$ns" -batch -

is "$(in_ns "$BUILD/test/net/manyconn" 10.90.0. 100 64 2>"$tmp/err")" \
	"6400 connects, 64 ports, 100 on one, then EADDRNOTAVAIL" \
	"64 ports make 6,400 connections to 100 peers" ||
	diag "$(sort "$tmp/err" | uniq -c)"
is "$(stat_json .opens.active)" 6400 "and no SYN more"

done_testing
