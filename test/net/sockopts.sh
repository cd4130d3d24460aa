#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# sockopts.sh - doc/sockopts.md row by row: every option is set and read
# through the app channel and does what its row says, on the wire, at the peer
# or in ss; every difference to a kernel socket is as its row says.  Over IPv4
# and IPv6 (sockopts.c).
. "$(dirname "$0")/lib.sh"

in_ns sysctl -qw net.ipv4.tcp_fastopen=3
tcpd_start -o 'fast-open = both'
export TCPCTL="$BUILD/tcpctl -s $run/ctl.sock"

walk() { # <4|6>
	in_ns "$BUILD/test/net/sockopts" "$1" "$top/doc/sockopts.md" \
		>"$tmp/walk$1" 2>&1 </dev/null
	echo $? >"$tmp/walk$1.rc"
}

# what a walk said, under numbers of our own
retell() { # <log>
	local line
	while read -r line; do
		case $line in
		"ok "*) pass "${line#* - }" ;;
		"not ok "*) fail "${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done <"$1"
}

walk 4 &
pids="$pids $!"
four=$!
walk 6
wait $four
for family in 4 6; do
	retell "$tmp/walk$family"
	is "$(cat "$tmp/walk$family.rc")" 0 \
		"IPv$family: every row has its check, every check its row" ||
		diag "$(tail -n 5 "$tmp/walk$family")"
done
if ! grep -q __asan_init "$BUILD/tcpd"; then # whose leak check wants an end
	in_ns "$BUILD/test/net/sockopts" killed "$tcpd_pid" >"$tmp/killed" 2>&1
	retell "$tmp/killed"
	is "$(grep -c '^ok' "$tmp/killed")" 1 "tcpd is killed: ECONNRESET"
	wait "$tcpd_pid" 2>/dev/null
	tcpd_pid=
fi
done_testing
