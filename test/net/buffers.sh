#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# buffers.sh - over a path of 20 ms the receive buffer of a program that reads
# grows with what the sender brings, and that of one which reads nothing stays,
# whatever its fd takes; one that the program has set stays, too.
. "$(dirname "$0")/lib.sh"

case $FAMILY in
6) one=fd98::1 two=fd98::2 length=64 net=fd77::/64 ;;
*) one=10.98.0.1 two=10.98.0.2 length=24 net=10.77.0.0/24 ;;
esac

netns_add "$peer"
: >"$tmp/link"
"$BUILD/test/link/link" --delay 10 "$peer:l0" "$ns:l0" >"$tmp/link" 2>&1 &
pids="$pids $!"
wait_for 'grep -q ready "$tmp/link"' 5 || bail "$(cat "$tmp/link")"
ip -n "$peer" addr add $one/$length dev l0
ip -n "$ns" addr add $two/$length dev l0
ip -n "$peer" route add $net via $two
in_ns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

tcpd_start -o 'receive-buffer = 64M service discard { listen = ":9" kind = discard }'
app_start
app listen l "$stack_at:5000" >/dev/null

# sends <port>: from the peer, for as long as it is told
sends() {
	ip netns exec "$peer" "$BUILD/test/bench/bulk" into "$stack" "$1" 1 30 \
		>/dev/null 2>&1 &
	bulk=$!
	pids="$pids $bulk"
}
stops() {
	kill $bulk
	wait $bulk 2>/dev/null
}
id_of() { ss_json ".[] | select(.state == \"ESTABLISHED\" and
	(.local | endswith(\":$1\"))) | .id"; }
told() { tcpctl --json show "$(id_of "$1")" | jq ".$2"; }

sends 9
wait_for '[ -n "$(id_of 9)" ]' 5
wait_for '[ "$(told 9 rcv_buffer)" -gt 1000000 ]' 10
ok "the buffer of a reader grows above 1 MB" \
	[ "$(told 9 rcv_buffer)" -gt 1000000 ]
between "$(told 9 rcv_rtt_us)" 20000 40000 \
	"by a round trip that is the path's"
stops

sends 5000
is "$(app accept a l)" "accept a ok" "an app has a connection"
wait_for '[ "$(told 5000 rcv_wnd)" = 0 ]' 10
is "$(told 5000 rcv_wnd)" 0 "it reads nothing until the window is closed"
is "$(told 5000 rcv_buffer)" 65536 "its buffer is as it was at first"
stops

done_testing
