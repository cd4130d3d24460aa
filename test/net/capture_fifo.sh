#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ALONE
# capture_fifo.sh - a capture into a FIFO that nobody reads slows nothing
# down, and what it lost is counted.
. "$(dirname "$0")/lib.sh"

seconds=${FULL:+2}
seconds=${seconds:-0.6}
rounds=${FULL:+9}
rounds=${rounds:-5}

tcpd_start -o 'service echo { listen = ":7" kind = echo }' \
	-o 'service discard { listen = ":9" kind = discard }'
mkfifo "$tmp/fifo"
exec 8<>"$tmp/fifo" # a reader that never reads

p99() { in_ns "$BUILD/test/bench/ping" "$stack" 7 "$seconds" | cut -d' ' -f3; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

i=0
while [ $i -lt "$rounds" ]; do
	p99 >>"$tmp/without"
	bg capture "$BUILD/tcpctl" capture "$tmp/fifo"
	wait_for 'tcpctl --json stats | jq -e ".captures.running > 0" >/dev/null' 2 ||
		sleep 0.1
	in_ns "$BUILD/test/bench/bulk" into "$stack" 9 1 0.2 >/dev/null
	p99 >>"$tmp/with"
	kill -INT "$pid"
	wait "$pid"
	i=$((i + 1))
done
without=$(median <"$tmp/without")
with=$(median <"$tmp/with")
diag "p99 of a round trip: $without us without, $with us with the capture"
# ten percent, and what two rounds without a capture differ by
noise=$(sort -n "$tmp/without" | awk '{ v[NR] = $1 }
	END { print v[NR] - v[1] }')
between "$with" 0 "$(awk "BEGIN { print $without * 1.1 + $noise }")" \
	"the p99 of round trips is within 10 % (noise $noise us)"
ok "what was lost is counted" sh -c \
	"grep -qE 'lost [1-9]|[1-9][0-9]* (packets )?lost' '$tmp/capture.log' \
		'$tmp/tcpd.log'"

done_testing
