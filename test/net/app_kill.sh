#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# app_kill.sh - apps that are killed, a thousand times: their connections end
# as the kernel would end them, their listeners are gone, nothing is left.
#
# ROUNDS=N says otherwise how often.
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-1000}

# small tables, which the first rounds have touched all over
tcpd_start -o 'time-wait-max = 512 connections = 512'
nfds() { find "/proc/$tcpd_pid/fd" -mindepth 1 | wc -l; }
rss() { awk '$1 == "Rss:" { print $2 }' "/proc/$tcpd_pid/smaps_rollup"; }
left() { ss_json '[.[] | select(.state != "TIME-WAIT")] | length'; }

ok "the first rounds" in_ns "$BUILD/test/net/appkill" \
	"$stack" "$host" $((rounds / 2))
wait_for '[ "$(left)" = 0 ]' 5
fds=$(nfds)
kib=$(rss)
blocks=$(stat_json .now.blocks)

ok "$rounds apps are killed" in_ns "$BUILD/test/net/appkill" \
	"$stack" "$host" "$rounds"
diag "$(cat "$tmp/ok.log")"
wait_for '[ "$(left)" = 0 ]' 5
is "$(left)" 0 "no connection and no listener is left"
# the pair for the next connection may be there already, or not
between "$(nfds)" $((fds - 2)) $((fds + 2)) "no fd is lost"
is "$(stat_json .now.blocks)" "$blocks" "no buffer is lost"
if grep -qa __asan_init "$BUILD/tcpd"; then
	skip "no memory is lost" "the sanitizer keeps what is freed"
else
	diag "resident: $kib KiB before, $(rss) KiB after"
	between "$(rss)" 1 $((kib + 512)) "no memory is lost"
fi

done_testing
