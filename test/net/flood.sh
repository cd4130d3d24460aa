#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ASAN
# flood.sh - SYNs from invented sources, more than the half-open table holds,
# while honest clients connect and a stream goes on.  With SYN cookies nobody
# notices; without them nobody gets in.
#
# FULL=1: 100,000 a second for 15 s.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

rate=20000
lasts=2
honest=100
if [ -n "$FULL" ]; then
	rate=100000
	lasts=15
	honest=1000
fi
room=1024
dropped() { ip -n "$ns" -j -s link show tcpd0 | jq '.[0].stats64.tx.dropped'; }
memory() { awk '$1 == "Rss:" { print $2 }' "/proc/$tcpd_pid/smaps_rollup"; }
# all there is, but for half-open entries and their timers
counts() { stat_json '.now | .timers -= .half_open | del(.half_open) | tojson'; }
quiet() { [ "$(stat_json '.now | .timers - .half_open + .connections')" = 0 ]; }
clients() { in_ns "$BUILD/test/bench/honest" "$stack" 7 "$@"; }
flood() { # <packets a second> <seconds> <more>...
	local r="$1" t="$2"
	shift 2
	bg flood ip netns exec "$ns" "$BUILD/test/bench/flood" -i tcpd0 \
		-d "$stack_at:7" -r "$r" -t "$t" "$@"
	flood=$pid
}

start() { # <syn-cookies>
	tcpd_start -o "syn-cookies = $1 half-open = $room" \
		-o 'service echo { listen = ":7" kind = echo }'
	# what tcpd answers to nobody is nobody's
	in_ns nft -f - <<-END
		table inet flood {
			chain in {
				type filter hook prerouting priority raw
				ip daddr 198.18.0.0/15 drop
				ip6 daddr 2001:2::/48 drop
			}
		}
	END
}

stop() {
	in_ns nft delete table inet flood
	tcpd_stop
	is $? 0 "$1: tcpd ends in order"
}

attacked() { # <syn-cookies>
	start "$1"
	# the first use of everything is not the flood's cost
	clients 50 1000 >"$tmp/honest"
	echoed in_ns "$stack" 7 1 4000000 >"$tmp/echoed"
	wait_for quiet 10
	# shellcheck disable=SC2034 # wait_for evaluates it
	base=$(counts)
	before=$(memory)
	flood "$rate" $lasts
	wait_for '[ "$(stat_json .cookies.sent)" -gt 0 ]' 5
	echoed in_ns "$stack" 7 1 4000000 >"$tmp/echoed" &
	transfer=$!
	clients "$honest" $((honest / (lasts - 1))) >"$tmp/honest"
	wait $transfer
	kill -0 $flood 2>/dev/null
	is $? 0 "$1: the flood lasted longer than the clients"
	wait $flood
	sent=$(sed -n 's/sent \([0-9]*\) .*/\1/p' "$tmp/flood.log")
	is "$(sed 's/;.*//' "$tmp/honest")" \
		"ok $honest first $honest failed 0" \
		"$1: all $honest clients connect at the first try ($sent SYNs)"
	is "$(cat "$tmp/echoed")" "1 identical" \
		"$1: a stream comes back as it went"
	is "$(dropped)" 0 "$1: the TUN dropped nothing"
	# the entries that were made before there was need of cookies
	between "$(stat_json .cookies.sent)" $((sent - room)) $((sent + 2 * honest)) \
		"$1: nearly every SYN was answered by a cookie"
	ok "$1: within five seconds all counts are where they were" \
		wait_for '[ "$(counts)" = "$base" ]' 5
	grown=$(($(memory) - before))
	between $grown -100000 2048 "$1: tcpd's memory grew by $grown KiB"
}

attacked auto
between "$(stat_json .now.half_open)" 1 $room \
	"auto: the half-open table is as large as it was made"
between "$(stat_json .cookies.evicted)" $((sent - 2 * room)) "$sent" \
	"auto: the oldest entries gave way"
stop auto

attacked always
is "$(stat_json .now.half_open)" 0 "always: no entry is made"
is "$(stat_json .cookies.accepted)" $((50 + 2 + honest)) \
	"always: every connection was made of a cookie"

# ACKs of nothing that was ever sent, while cookies are taken
refused=$(stat_json .cookies.refused)
opened=$(stat_json .opens.passive)
flood 20000 1 -k ack
wait $flood
is "$(stat_json .opens.passive)" "$opened" \
	"always: no connection was made of forged cookies"
between $(($(stat_json .cookies.refused) - refused)) 19000 20000 \
	"always: each of them was refused"
stop always

start off
flood "$rate" $lasts
wait_for "[ \"\$(stat_json .now.half_open)\" = $room ]" 5
clients 20 40 0.8 >"$tmp/honest"
is "$(sed 's/;.*//' "$tmp/honest")" "ok 0 first 0 failed 20" \
	"off: no client connects while the table is full"
wait $flood
between "$(stat_json .drops.half_open_full)" 1000 1000000000 \
	"off: their SYNs were dropped"
is "$(stat_json .cookies.sent)" 0 "off: no cookie was sent"
stop off

done_testing
