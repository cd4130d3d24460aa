#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# kill.sh - when tcpd or an app dies, the other side is told.
. "$(dirname "$0")/lib.sh"

tcpd_start
app_start
app listen l "$stack_at:5000" >/dev/null
mkfifo "$tmp/hold"
client() { # <port of 10.77.0.2>: a kernel client that stays
	in_ns "$BUILD/test/net/duplex" "$stack" "$1" <"$tmp/hold" \
		>"$tmp/client.log" 2>&1 &
	client=$!
	pids="$pids $client"
}

# --- the app dies: its connections end as the kernel would end them
client 5000
exec 8<>"$tmp/hold"
app accept a l >/dev/null
begin=$(date +%s%N)
kill -9 "$app_pid"
wait_for '! tcpctl ss -l | grep -q :5000' 2
between $((($(date +%s%N) - begin) / 1000000)) 0 150 \
	"an app dies: its listener is gone within 100 ms (and a look)"
ok "an app dies, all read: its client sees the end of file" \
	wait_for '[ -n "$(ss_json ".[] | select(.state == \"FIN-WAIT-2\")")" ]' 2
exec 8>&-
wait "$client"
is $? 0 "an app dies: its client ends in order"
exec 9>&-

rm "$tmp/app.in"
app_start
app listen l "$stack_at:5001" >/dev/null
client 5001
exec 8<>"$tmp/hold"
app accept a l >/dev/null
echo unread >&8
wait_for '[ "$(ss_json ".[] | select(.recv_q == 7) | .state")" = ESTABLISHED ]' 2
kill -9 "$app_pid"
wait "$client" 2>/dev/null
ok "an app dies with data unread: its client gets RST" \
	grep -q 'Connection reset' "$tmp/client.log"
is "$(stat_json .resets.sent.unread_data)" 1 "which is counted under its cause"
exec 8>&-
exec 9>&-

# --- tcpd dies: every app hears of it
rm "$tmp/app.in"
app_start
app listen l "$stack_at:5002" >/dev/null
client 5002
exec 8<>"$tmp/hold"
app accept a l >/dev/null
echo some >&8
wait_for '[ "$(ss_json ".[] | select(.recv_q == 5) | .state")" = ESTABLISHED ]' 2
kill -9 "$tcpd_pid"
wait "$tcpd_pid" 2>/dev/null
tcpd_pid=
is "$(app read a 100)" "read a 5 ECONNRESET" \
	"tcpd is killed: the app reads what was there, then ECONNRESET"
is "$(app accept b l)" "accept b ECONNRESET" \
	"tcpd is killed: a listener gets ECONNRESET"

# --- and starts again where it was
tcpd_start
ok "tcpd starts again in the same run-dir" tcpctl version
is "$(tcpctl --json ss -a | jq length)" 0 "with nothing of before"

done_testing
