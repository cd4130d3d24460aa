#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ALONE
# small_entries.sh - what a half-open and a TIME-WAIT entry cost the daemon, by
# its RSS, and closes by the hundred thousand (FULL=1: a million) at the cap of
# TIME-WAIT entries, with connects that all succeed.
. "$(dirname "$0")/lib.sh"

halves=100000
cap=262144
closes=290000
[ -z "$FULL" ] || closes=1000000
# sources of kernel clients: one has 28,232 ports
sources=20

tcpd_start -o "half-open = $halves time-wait = 10min" \
	-o 'syn-cookies = off synack-backoff = {20min}' \
	-o 'service daytime { listen = ":13" kind = daytime }' \
	-o 'service quiet { listen = ":9" kind = discard }'
address() { # number <n>
	if [ "$FAMILY" = 4 ]; then
		echo "10.77.0.$1"
	else
		printf 'fd77::1:%x' "$1"
	fi
}
for i in $(seq 101 $((100 + sources))); do
	echo "addr add $(address "$i") dev tcpd0 nodad"
done | ip -n "$ns" -b -

rss() { awk '/^Rss/ { print $2 * 1024 }' "/proc/$tcpd_pid/smaps_rollup"; }
now() { stat_json ".now.$1"; }
each() { awk "BEGIN { printf \"%.1f\", ($2 - $1) / $3 }"; }
reflex() { # <how many> <number of the first one>
	in_ns "$BUILD/test/bench/reflex" -i tcpd0 -d "$stack_at:13" -c "$1" -o "$2"
}
connector() {
	in_ns "$BUILD/test/bench/connector" daytime "$stack" 13 "$1" \
		"$(address 101)" $sources
}

# the first use of all tables is nobody's cost
reflex 2000 0 >/dev/null
before=$(rss)
ok "the table fills" reflex $((cap - 2000)) 2000
is "$(now time_wait)" $cap "TIME-WAIT entries up to the cap"
full=$(rss)
cost=$(each "$before" "$full" $((cap - 2000)))
diag "a TIME-WAIT entry: $cost octets of RSS with its place in the table"
between "$cost" 40 84 "64 octets an entry, and 16 to 20 of the tables"

# above it: the oldest goes, memory stays, connects go on
reflex $((closes - cap)) $cap >"$tmp/reflex" &
pids="$pids $!"
connector 1 >"$tmp/during"
wait $!
is "$(awk '{ print $2 }' "$tmp/during")" 0 \
	"no connect fails while others close ($(cat "$tmp/during"))"
is "$(cut -d ' ' -f 2-4 "$tmp/reflex")" "$((closes - cap)) of $((closes - cap))" \
	"and none of those"
is "$(now time_wait)" $cap "never more entries than the cap"
is "$(stat_json '.time_wait.evicted == .time_wait.entered - .now.time_wait -
	.time_wait.reused')" true "each that was given up is counted"
between $((($(rss) - full) / 1024)) -100000 4096 "memory stays where it was"

# half-open entries, on a listener of their own
before=$(rss)
round=0
while have=$(now half_open) && [ "$have" -lt $halves ] && [ $round -lt 40 ]; do
	from=198.$((150 + round)).0.0
	[ "$FAMILY" = 4 ] || from=2001:2:0:$round::
	in_ns "$BUILD/test/bench/flood" -i tcpd0 -d "$stack_at:9" -r 100000 -c \
		$((halves - have)) -s "$from" -n 1000 >/dev/null
	round=$((round + 1))
done
is "$(now half_open)" $halves "half-open entries up to their number"
cost=$(each "$before" "$(rss)" $halves)
diag "a half-open entry: $cost octets of RSS with its place in the table"
between "$cost" 40 124 "96 octets an entry at most, and 21 of the table"

done_testing
