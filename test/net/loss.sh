#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# loss.sh - through a router that drops packets in each direction, what comes
# back is what went.
#
#   [ peer 10.78.0.2 ]---[ router drops ]---[ tcpd0 ]--- 10.77.0.2 [ tcpd ]
#
# FULL=1: 64 MiB at 1 %, 8 MiB at 5 %, within 5 minutes each.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

router_start
tcpd_start -o 'service echo { listen = ":7" kind = echo }' \
	-o 'service chargen { listen = ":19" kind = chargen }'

try() { # <percent> <MiB>
	router_loss "$1"
	start=$(date +%s)
	is "$(echoed in_peer "$stack" 7 1 $(($2 << 20)))" "1 identical" \
		"$2 MiB at $1 % loss"
	diag "took $(($(date +%s) - start)) s"
	between "$(dropped)" 1 1e9 "and packets were dropped ($(dropped))"
	ip netns exec "$router" nft delete table inet loss
}
dropped() {
	ip netns exec "$router" nft -j list table inet loss |
		jq '[.. | .counter? // empty | .packets] | add'
}

export LIMIT=300
if [ -n "$FULL" ]; then
	try 1 64
	try 5 8
else
	try 1 8
	try 5 1
fi
between "$(stat_json .segments.retransmitted)" 1 1e9 \
	"tcpd repeated what was lost"

between "$(stat_json .sack.sent)" 1 1e9 \
	"tcpd told of what came out of order"
between "$(stat_json .sack.received)" 1 1e9 "and so did the kernel"
is "$(stat_json .sack.invalid)" 0 "no block is of something never sent"

# one way only, so that the peer's ACKs are pure and may be counted
router_loss 1
fast=$(stat_json .recovery.fast)
rate=$(in_peer "$BUILD/test/bench/bulk" out "$stack" 19 1 2 | cut -d' ' -f1)
diag "out of tcpd at 1 % loss: $rate Gbit/s"
between "$(($(stat_json .recovery.fast) - fast))" 5 1e9 \
	"out of tcpd, losses are repaired by fast retransmit"

done_testing
