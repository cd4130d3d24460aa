#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ecn.sh - the kernel and tcpd agree on ECN: a router that marks two packets in
# a hundred slows both down without a loss, one that marks them all is seen
# through, and what comes back is what went.
#
#   [ peer 10.78.0.2 ]---[ router marks ]---[ tcpd0 ]--- 10.77.0.2 [ tcpd ]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

router_start
in_peer sysctl -qw net.ipv4.tcp_ecn=1
tcpd_start -o 'service echo { listen = ":7" kind = echo }' \
	-o 'service plain { listen = ":8" kind = echo ecn = off }'

ip=ip
[ "$FAMILY" = 4 ] || ip=ip6

marking() { # <of a hundred, of those that may be>
	ip netns exec "$router" nft -f - <<-END
		table inet marking {
			chain forward {
				type filter hook forward priority 0
				$ip ecn ect0 numgen random mod 100 <= $(($1 - 1)) counter $ip ecn set ce
			}
		}
	END
}
marked() {
	ip netns exec "$router" nft -j list table inet marking |
		jq '[.. | .counter? // empty | .packets] | add'
}

# a SYN that is sent again does not ask: none may wait for a neighbour's address
wait_for 'in_peer ping -c 1 -W 1 $stack >/dev/null' 10 || bail "no way to tcpd"

export LIMIT=300
marking 2
is "$(echoed in_peer "$stack" 7 1 $((8 << 20)))" "1 identical" "8 MiB, 2 % marked"
diag "$(marked) packets were marked"
is "$(stat_json .ecn.agreed)" 1 "they agreed on ECN"
between "$(stat_json .ecn.ce_in)" 1 1e9 "marked text reached tcpd"
between "$(stat_json .ecn.ece_in)" 1 1e9 "the kernel told of marks of tcpd's text"
between "$(stat_json .ecn.cwr_out)" 1 1e9 "and tcpd of its smaller window"
is "$(stat_json '.ecn | .off_ce + .off_lost + .off_changed')" 0 \
	"nobody gave it up"
between "$(stat_json .segments.retransmitted)" 0 0 "nothing was lost"
ip netns exec "$router" nft delete table inet marking

marking 100
is "$(echoed in_peer "$stack" 7 1 $((4 << 20)))" "1 identical" "4 MiB, all marked"
is "$(stat_json .ecn.off_ce)" 1 "tcpd gave it up"
before=$(marked)
is "$(echoed in_peer "$stack" 8 1 $((1 << 20)))" "1 identical" "1 MiB, ecn = off"
is "$(marked)" "$before" "nothing was marked"
is "$(stat_json .ecn.agreed)" 2 "nor agreed on"

done_testing
