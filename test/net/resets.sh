#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# resets.sh - segments of no connection, many thousand a second: the budget of
# resets holds, a client at a closed port is refused at once all the same, and
# `tcpctl events` stays readable.
. "$(dirname "$0")/lib.sh"

budget=100
clients=20
flood() { # <kind> <packets a second> <seconds> <more>...
	local k="$1" r="$2" t="$3"
	shift 3
	bg "$k" ip netns exec "$ns" "$BUILD/test/bench/flood" -i tcpd0 -k "$k" \
		-d "$stack_at:1234" -r "$r" -t "$t" "$@"
	flood=$pid
}
client() { # number <n>'s address
	[ "$FAMILY" = 4 ] && echo "10.77.0.$((100 + $1))" || echo "fd77::1:$1"
}
sent() { stat_json '[.resets.sent[]] | add'; }

tcpd_start -o "reset-rate = $budget" \
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
for i in $(seq $clients); do
	ip -n "$ns" addr add "$(client "$i")" dev tcpd0 nodad
done

# --- a flood from few sources, and clients
began=$(date +%s%N)
flood ack 20000 3 -n 16
# shellcheck disable=SC2034 # wait_for evaluates it
ok "the budget is soon used up" \
	wait_for '[ "$(stat_json .segments.resets_held)" -gt 10000 ]' 5
refused=0
for i in $(seq $clients); do
	in_ns curl -g -s -o /dev/null --interface "$(client "$i")" \
		--connect-timeout 0.8 "http://$stack_at:1234/"
	# 7: refused; 28: nothing was heard until a SYN would be sent again
	[ $? = 7 ] && refused=$((refused + 1))
done
kill -0 "$flood" 2>/dev/null
is $? 0 "the flood lasted longer than the clients"
is $refused $clients "each client is refused before it asks again"
wait "$flood"
took=$((($(date +%s%N) - began) / 1000000000 + 1))
between "$(sent)" $((3 * budget)) \
	$((took * (budget + 16) + budget / 10 + 16 + 2 * clients)) \
	"and no more resets went than there is budget for"
between "$(tcpctl events | grep -c ' RST sent ')" 10 $((10 * (took + 1))) \
	"events tell of ten a second"
ok "and say how many were left out" \
	sh -c "'$BUILD/tcpctl' events | grep -q 'cause=no_connection left-out='"

# --- what is never answered
before=$(sent)
flood rst 50000 1
wait "$flood"
is "$(($(sent) - before))" 0 "a reset is never answered"
ok "but told as ignored" \
	sh -c "'$BUILD/tcpctl' events | grep -q 'RST ignored cause=no_connection'"

# --- one that is taken
raw abort -s "$away_at:4001" -d "$stack_at:7" <<-END
	send S mss=1460
	wait SA
	send A
	send RA
END
wait "$pid"
ok "a reset that ends a connection is told with its cause" wait_for \
	"tcpctl events | grep -qF '$away_at:4001>$stack_at:7 RST received cause=abort'" 5
is "$(stat_json .resets.received.abort)" 1 "and counted"
tcpd_stop
is $? 0 "tcpd ends in order"
done_testing
