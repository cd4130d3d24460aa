#!/bin/sh
# SPDX-License-Identifier: MIT
# matrix.sh - in each of the eleven states, every kind of segment at every
# place of SEQ and ACK: tcpd does what the kernel does, or there is a rule
# that says where in which RFC it stands that this is right (matrix_rules.h).
#
# Not under the sanitizers: the same paths of the stack are run there by
# verdicts.sh, the conversations and the fuzzers.
. "$(dirname "$0")/lib.sh"

tcpd_start -o "reset-rate = 10000000 syn-cookies = off ports = 10000-19999"
for v in 4 6; do
	ip -n "$ns" tuntap add kern$v mode tun
	ip -n "$ns" link set kern$v up txqueuelen 10000
done
ip -n "$ns" addr add 10.88.0.2/24 dev kern4
ip -n "$ns" addr add fd88::2/64 dev kern6 nodad
# Here the kernel shall answer each segment for itself, let no timer run into
# the comparison, and no RST end TIME-WAIT (RFC 1337).
in_ns sysctl -qw net.ipv4.tcp_invalid_ratelimit=0 \
	net.ipv4.tcp_early_retrans=0 net.ipv4.tcp_rfc1337=1 \
	net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=4096 \
	net.ipv4.ip_local_port_range="10000 19999"
ip -n "$ns" route replace 10.88.0.0/24 dev kern4 rto_min 5s
ip -n "$ns" -6 route replace fd88::/64 dev kern6 rto_min 5s

tab=$(printf '\t')
for v in 4 6; do
	ip netns exec "$ns" env BUILD="$BUILD" "$BUILD/test/net/matrix" $v \
		>"$tmp/matrix$v" 2>"$tmp/matrix$v.err" </dev/null &
	pids="$pids $!"
	eval "pid$v=$!"
done
for v in 4 6; do
	eval "wait \$pid$v"
	is $? 0 "IPv$v: every case was judged" ||
		diag "$(tail -n 5 "$tmp/matrix$v.err")"
	all=0
	while IFS=$tab read -r what name cases alike explained; do
		case $what in
		state)
			all=$((all + cases))
			is $((alike + explained)) "$cases" "IPv$v, $name: $cases cases, $alike as the kernel's, $explained explained"
			;;
		rule)
			[ "$name" -gt 0 ]
			is $? 0 "IPv$v: $name for $cases"
			;;
		bad)
			fail "IPv$v: $name" "kernel: $cases
tcpd:   $alike"
			;;
		esac
	done <"$tmp/matrix$v"
	between "$all" 600 1000000 "IPv$v: $all cases"
done
tcpd_stop

done_testing
