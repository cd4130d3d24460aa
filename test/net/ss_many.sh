#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ALONE
# ss_many.sh - `tcpctl ss` of very many half-open and TIME-WAIT entries: every
# row once, as a table and as JSON, by filter; readers that are slow, stop or go
# cost only themselves; connections go on meanwhile.  FULL=1: a million.
. "$(dirname "$0")/lib.sh"

halves=40000
waits=20000
[ -z "$FULL" ] || halves=1000000 waits=262144

tcpd_start -o 'half-open = 1048576 time-wait-max = 1048576 time-wait = 10min' \
	-o 'syn-cookies = off synack-backoff = {20min}' \
	-o 'service daytime { listen = ":13" kind = daytime }' \
	-o 'service echo { listen = ":7" kind = echo }'

rss() { awk '/^Rss/ { print $2 }' "/proc/$tcpd_pid/smaps_rollup"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$tcpd_pid/stat"; }
nfds() { find "/proc/$tcpd_pid/fd" -mindepth 1 | wc -l; }
now() { stat_json ".now.$1"; }

# invented sources: of the first round's SYNs, and of all that close
syn=198.18.0.9 closed=198.100.0.0 syn_at=198.18.0.9 closed_at=198.100.0.0
[ "$FAMILY" = 4 ] || {
	syn=2001:2::9 closed=2001:2:0:100::
	syn_at=[$syn] closed_at=[$closed]
}
# SYNs from invented sources; what the TUN's queue drops comes in the next round
round=0
while have=$(now half_open) && [ "$have" -lt $halves ] && [ $round -lt 40 ]; do
	from=198.$((18 + round)).0.0
	[ "$FAMILY" = 4 ] || from=2001:2:0:$round::
	in_ns "$BUILD/test/bench/flood" -i tcpd0 -d "$stack_at:13" -r 100000 \
		-c $((halves - have)) -s "$from" -n 1000 >/dev/null
	round=$((round + 1))
done
in_ns "$BUILD/test/bench/reflex" -i tcpd0 -d "$stack_at:13" -c $waits \
	-s $closed >"$tmp/reflex" || diag "$(cat "$tmp/reflex")"
have=$(now half_open)
between "$have" $halves $((halves + 1)) "as many half-open entries as asked for"
is "$(now time_wait)" $waits "and TIME-WAIT entries"

# --- all of it, once
before=$(rss)
tcpctl --json ss -a >"$tmp/all.json"
is "$(jq '[length, ([.[].id] | unique | length)] | join(" ")' "$tmp/all.json")" \
	"\"$((have + waits + 2)) $((have + waits + 2))\"" \
	"--json: one array, a row for each entry, no number twice"
is "$(jq -r '[.[] | select(.state == "SYN-RECEIVED") |
	select(.timer != "synack" or .timer_ms < 600000 or .retries != 0)] | length' \
	"$tmp/all.json")" 0 "each half-open entry with its running timer"
is "$(jq -r '[.[] | select(.state == "TIME-WAIT") | select(.timer != "timewait"
	or .timer_ms > 600000 or .timer_ms < 300000)] | length' "$tmp/all.json")" \
	0 "each TIME-WAIT entry with what is left of 2MSL"
tcpctl ss -a >"$tmp/all"
is "$(wc -l <"$tmp/all")" $((have + waits + 3)) "the table has a row for each"
is "$(grep -c '^SYN-RECEIVED .* synack ' "$tmp/all")" "$have" \
	"with its timer, too"
# 300 octets a row would be tens of megabytes
between $(($(rss) - before)) -100000 2048 "tcpd keeps no row of it"
ok "nor does tcpctl" prlimit --data=$((8 << 20)) "$BUILD/tcpctl" --json ss -a

# --- filters, by what the whole table says
matches() { # <filter of ss> <condition in awk's words>
	is "$(tcpctl ss -a "$1" | tail -n +2 | wc -l)" "$(awk "NR > 1 && ($2)" \
		"$tmp/all" | wc -l)" "ss $1"
}
matches 'state time-wait' '$1 == "TIME-WAIT"'
matches 'state syn-recv' '$1 == "SYN-RECEIVED"'
matches "dst $syn" "index(\$5, \"$syn_at:\") == 1"
matches "dst $syn and dport = 1030" "\$5 == \"$syn_at:1030\""
matches "dst $closed and dport < 2000 state time-wait" \
	"index(\$5, \"$closed_at:\") == 1 && substr(\$5, ${#closed_at} + 2) + 0 < 2000"
matches 'sport = 13' '$4 ~ /:13$/'
matches 'sport = 7 or dport = 1029' '$4 ~ /:7$/ || $5 ~ /:1029$/'
is "$(tcpctl ss -a "dst $closed and dport = 1030" | awk 'END { print NR, $5, $6 }')" \
	"2 $closed_at:1030 timewait" "one entry of them all"
id=$(jq '.[length - 1].id' "$tmp/all.json")
is "$(tcpctl --json show "$id" | jq .id)" "$id" "show finds it by its number"
is "$(tcpctl abort "$id"; tcpctl ss -a state time-wait | wc -l)" \
	"aborted $id
$waits" "and abort ends it alone"
is "$(tcpctl abort "$id" 2>&1)" "tcpctl: no connection with id $id" \
	"a number that nothing has"

# --- readers that do not read
fds=$(nfds)
mkfifo "$tmp/stuck"
tcpctl ss -a >"$tmp/stuck" &
stuck=$!
pids="$pids $stuck"
exec 7<"$tmp/stuck"
wait_for "grep -q S /proc/$stuck/stat" 2
before=$(rss)
cpu=$(ticks)
is "$(tcpctl --json ss state established | jq length)" 0 \
	"another reader is answered beside one that has stopped"
ok "connections are served" in_ns curl -g -fsS --http0.9 -m 5 "http://$stack_at:13/"
sleep 1 # what the loop costs while nothing happens
between $(($(ticks) - cpu)) 0 40 "one that has stopped takes no time"
between $(($(rss) - before)) -100000 1024 "and no memory"
exec 7<&-
wait $stuck 2>/dev/null
wait_for "[ \$(nfds) = $fds ]" 5
is "$(nfds)" "$fds" "one that goes leaves nothing behind"

# --- an established connection while rows stream
while :; do tcpctl --json ss -a; done >/dev/null 2>&1 &
pids="$pids $!"
in_ns "$BUILD/test/bench/ping" "$stack" 7 1 200 >"$tmp/ping"
diag "round trips a second, p50, p99 (us) beside streams of rows: $(cat "$tmp/ping")"
# all rows at once would take most of a second
between "$(awk '{ print $3 }' "$tmp/ping")" 0 100000 \
	"a connection is answered while rows stream"

done_testing
