#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# stop.sh - an orderly end: peers see the end of file, those that do not close
# get RST after two seconds, a second signal does not wait, nothing stays.
. "$(dirname "$0")/lib.sh"

start() { tcpd_start -o 'service echo { listen = ":7" kind = echo }'; }
ms() { echo $(($(date +%s%N) / 1000000)); }
# A client that stays until it is told (or that never closes).
client() { # <name> <fifo>
	in_ns "$BUILD/test/net/duplex" "$stack" 7 <"$2" >"$tmp/$1.out" \
		2>"$tmp/$1.err" &
	client=$!
	pids="$pids $client"
}
there() { wait_for 'tcpctl ss | grep -q ESTABLISHED' 5; }

# --- nobody connected
start
begin=$(ms)
tcpd_stop
is $? 0 "SIGTERM without connections: exit code 0"
between $(($(ms) - begin)) 0 700 "and at once"
is "$(cd "$run" && echo *)" "epoch lock" "no socket stays"
no "nor the interface" ip -n "$ns" link show tcpd0

# --- a client that closes when it sees the end of file
start
in_ns sh -c 'exec 7<>/dev/null; exec "$0" '"$stack"' 7 </dev/null' \
	"$BUILD/test/net/duplex" >"$tmp/short.out" 2>&1
mkfifo "$tmp/hold"
client stays "$tmp/hold"
exec 8>"$tmp/hold"
there
begin=$(ms)
kill -INT "$tcpd_pid"
wait_for '[ "$(ss_json ".[] | .state" 2>/dev/null)" != ESTABLISHED ]' 2
exec 8>&- # its half of the close
wait "$tcpd_pid"
is $? 0 "SIGINT with a connection: exit code 0"
tcpd_pid=
between $(($(ms) - begin)) 0 1900 "it does not wait longer than the close takes"
wait "$client"
is $? 0 "the client saw the end of file, not a reset"

# --- a client that never closes
start
client silent "$tmp/hold"
exec 8>"$tmp/hold"
there
begin=$(ms)
tcpd_stop
is $? 0 "a client that never closes: exit code 0"
between $(($(ms) - begin)) 1900 3500 "after two seconds"
ok "the log says that it was reset" grep -q 'close in time: reset' \
	"$tmp/tcpd.log"
exec 8>&-
wait "$client"

# --- asked twice
start
client again "$tmp/hold"
exec 8>"$tmp/hold"
there
begin=$(ms)
kill "$tcpd_pid"
wait_for 'grep -c stopping "$tmp/tcpd.log" | grep -q 4' 2
kill "$tcpd_pid"
wait "$tcpd_pid"
is $? 0 "asked twice: exit code 0"
tcpd_pid=
between $(($(ms) - begin)) 0 1500 "and it does not wait"
exec 8>&-

# --- by tcpctl
start
ok "tcpctl stop" tcpctl stop
wait "$tcpd_pid"
is $? 0 "tcpctl stop: exit code 0"
tcpd_pid=

# --- a log that nobody reads stops nothing
mkfifo "$tmp/log"
exec 7<>"$tmp/log"
ip netns exec "$ns" "$BUILD/tcpd" -f "$conf" \
	-o "user = nobody group = nogroup run-dir = \"$run\" log-level = debug" \
	-o 'service echo { listen = ":7" kind = echo }' 2>"$tmp/log" </dev/null &
tcpd_pid=$!
wait_for "tcpctl version >/dev/null 2>&1" 10
in_ns sh -c 'i=0; while [ $i -lt 300 ]; do
	"$0" '"$stack"' 7 </dev/null || exit 1; i=$((i + 1)); done' \
	"$BUILD/test/net/duplex"
is $? 0 "a log that nobody reads: 300 connections are served"
begin=$(ms)
tcpd_stop
is $? 0 "and it ends in order"
between $(($(ms) - begin)) 0 1900 "without waiting for a reader"
exec 7>&-

done_testing
