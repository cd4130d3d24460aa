#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# verdicts.sh - packets of an attacker who sees nothing, and packets that no
# honest peer sends: what comes of each is what comes of it at a socket of the
# kernel's, which the same program shoots at behind a TUN of its own; or
# better, for a reason that is printed.
. "$(dirname "$0")/lib.sh"

tcpd_start
ip -n "$ns" tuntap add kern0 mode tun
ip -n "$ns" addr add 10.88.0.2/24 dev kern0
ip -n "$ns" addr add fd88::2/64 dev kern0 nodad
ip -n "$ns" link set kern0 up
in_ns sysctl -qw net.ipv4.conf.kern0.rp_filter=1 # as distributions have it

tab=$(printf '\t')
verdicts() { # 4 or 6, cookies
	rc=0
	in_ns "$BUILD/test/net/verdicts" "$@" >"$tmp/verdicts" \
		2>"$tmp/verdicts.err" || rc=$?
	is "$rc" 0 "IPv$1${2:+ with }${2:-}: every packet was judged" || diag "$(cat "$tmp/verdicts.err")"
	while IFS=$tab read -r judged name expect kernel tcpd why; do
		if [ "$judged" = good ]; then
			pass "IPv$1${2:+ with }${2:-}: $name: $tcpd"
			[ -z "$why" ] || diag "the kernel: $kernel ($why)"
		else
			fail "IPv$1${2:+ with }${2:-}: $name" "expected: $expect
kernel:   $kernel
tcpd:     $tcpd
$why"
		fi
	done <"$tmp/verdicts"
}

verdicts 4
verdicts 6
tcpd_stop

in_ns sysctl -qw net.ipv4.tcp_syncookies=2
tcpd_start -o "syn-cookies = always"
verdicts 4 cookies
verdicts 6 cookies

done_testing
