#!/bin/sh
# SPDX-License-Identifier: MIT
# pmtu.sh - a path that takes packets of 1400 octets, between links of 1500:
# what is sent through tcpd's echo comes back, whether the router says that
# packets are too big or drops them and everything that could tell, and
# `tcpctl show` says what was found and how.  (What the kernel sends into the
# silent path only the kernel can cure: it has tcp_mtu_probing, and begins after
# the first time-out that tcp_retries1 allows.)
#
#   [ peer 10.78.0.2 ]---[ router 1400 ]---[ tcpd0 ]--- 10.77.0.2 [ tcpd ]
#
# FULL=1: 64 MiB each.
. "$(dirname "$0")/lib.sh"

size=$((3 << 20))
[ -z "$FULL" ] || size=$((64 << 20))
head -c $size /dev/urandom >"$tmp/data"

router_start
in_router() { ip netns exec "$router" "$@"; }
in_peer sysctl -qw net.ipv4.tcp_mtu_probing=1 net.ipv4.tcp_retries1=1
force_cubic "$peer" default via 10.78.0.1
force_cubic "$peer" default via fd78::1
# nor super-segments out of the TUN, whose segments nobody has counted
ip -n "$ns" link set eth0 gso_max_size 1400
mkfifo "$tmp/in"

silent() { # it drops them
	in_router nft -f - <<-END
		table inet hole {
			chain forward {
				type filter hook forward priority 0
				meta length > 1400 counter drop
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
			chain output {
				type filter hook output priority 0
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	END
}

says() { # the router tells the sender
	in_router nft delete table inet hole
	ip -n "$router" route change 10.77.0.0/24 via 10.79.0.2 mtu lock 1400
	ip -n "$router" route change 10.78.0.0/24 dev p0 mtu lock 1400
	ip -n "$router" route replace fd77::/64 via fd79::2 mtu lock 1400
	ip -n "$router" route add fd78::/64 dev p0 metric 1 mtu lock 1400
}

dropped() {
	in_router nft -j list table inet hole |
		jq '[.. | .counter? // empty | .packets] | add'
}

try() { # <address> <what is said of the path> <name>
	local id start
	tcpd_start -o 'service echo { listen = ":7" kind = echo }'
	start=$(date +%s)
	: >"$tmp/out"
	in_peer "$BUILD/test/net/duplex" "$1" 7 <"$tmp/in" >"$tmp/out" \
		2>"$tmp/err" &
	pids="$pids $!"
	exec 8>"$tmp/in"
	cat "$tmp/data" >&8
	wait_for "[ \$(stat -c %s '$tmp/out') -ge $size ]" 120
	ok "$3: $((size >> 20)) MiB come back" cmp "$tmp/data" "$tmp/out"
	diag "took $(($(date +%s) - start)) s"
	id=$(ss_json '.[] | select(.state == "ESTABLISHED") | .id')
	ok "$3: show says what was found" \
		sh -c "'$BUILD/tcpctl' show '$id' | grep '(path $2, '"
	is "$(tcpctl --json show "$id" | jq -r '"\(.pmtu) found by \(.pmtu_how)"')" \
		"$2" "$3: and so it does for programs"
	exec 8>&-
	wait_for "[ \$(ss_json '[.[] | select(.state == \"ESTABLISHED\")] | length') = 0 ]" 10
	# the next connection to the same peer begins with it
	in_peer "$BUILD/test/net/duplex" "$1" 7 <"$tmp/in" >/dev/null 2>&1 &
	pids="$pids $!"
	exec 8>"$tmp/in"
	wait_for "ss_json '.[].state' | grep -q ESTABLISHED" 10
	id=$(ss_json '.[] | select(.state == "ESTABLISHED") | .id')
	is "$(tcpctl --json show "$id" | jq -r '"\(.pmtu) found by \(.pmtu_how)"')" \
		"$2" "$3: the next connection knows it"
	exec 8>&-
	tcpd_stop
}

# (in this order: the kernel keeps what it is told)
silent
try 10.77.0.2 "1400 found by probing" "IPv4, not told"
try fd77::2 "1400 found by probing" "IPv6, not told"
between "$(dropped)" 20 1e9 "packets were dropped without a word ($(dropped))"
says
try 10.77.0.2 "1400 found by icmp" "IPv4, told"
try fd77::2 "1400 found by icmp" "IPv6, told"

done_testing
