#!/bin/sh
# SPDX-License-Identifier: MIT
# fragments.sh - datagrams in pieces: shuffled, overlapping (beside what the
# kernel makes of the same packets), from a Linux peer, and honest ones among
# 20,000 a second that belong to nothing.
. "$(dirname "$0")/lib.sh"

pieces() { in_ns "$BUILD/test/net/pieces" "$@"; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$tcpd_pid/status"; }

seconds=${FULL:+10}
seconds=${seconds:-1}
tcpd_start
in_ns ip tuntap add kern0 mode tun
in_ns ip addr add 10.79.0.1/24 dev kern0
in_ns ip addr add fd79::1/64 dev kern0 nodad
in_ns ip link set kern0 up

# --- the same pieces to tcpd and to the kernel
cases() { # <4|6> <peer> <tcpd> <peer> <kernel>
	local family="$1"
	pieces "$family" near tcpd0 "$2" "$3" cases >"$tmp/tcpd.cases"
	is $? 0 "IPv$family: tcpd was asked"
	pieces "$family" far kern0 "$4" "$5" cases >"$tmp/kernel.cases"
	is $? 0 "IPv$family: and the kernel"
	is "$(grep -c '^overlap .*: silence$' "$tmp/tcpd.cases")" 9 \
		"IPv$family: nine ways to overlap are met with silence"
	is "$(grep -c '^in order: answered\|^the last one first: answered\|^exact duplicate: answered' \
		"$tmp/tcpd.cases")" 3 "IPv$family: other orders are not"
	# the kernel takes a piece inside another for a duplicate; RFC 8200,
	# 4.5 lets only exact ones pass
	is "$(grep -c '^inside.*: silence$' "$tmp/tcpd.cases")" 2 \
		"IPv$family: a piece inside another is none"
	is "$(grep -v '^inside' "$tmp/tcpd.cases")" \
		"$(grep -v '^inside' "$tmp/kernel.cases")" \
		"IPv$family: the kernel says the same"
}
cases 4 10.77.0.9 10.77.0.2 10.79.0.9 10.79.0.1
cases 6 fd77::9 fd77::2 fd79::9 fd79::1

# --- a Linux peer
for size in 3000 60000; do
	ok "ping -s $size" in_ns ping -q -c 3 -i 0.02 -W 5 -s $size 10.77.0.2
	ok "ping -s $size over IPv6" \
		in_ns ping -q -c 3 -i 0.02 -W 5 -s $size fd77::2
done

# --- honest datagrams among junk
flood() { # <4|6> <sources> <our address> <tcpd's> <what>
	local before line honest answered
	before=$(rss)
	line=$(pieces "$1" near tcpd0 "$3" "$4" flood 20000 "$seconds" "$2")
	diag "$line"
	honest=${line#honest }
	honest=${honest%% *}
	answered=${line#*answered }
	answered=${answered%% *}
	between "$answered" $((honest * 95 / 100)) "$honest" \
		"$5: 95 of 100 honest datagrams arrive"
	between "$honest" $((seconds * 50)) 100000 "$5: and there were enough"
	between "$(stat_json .now.fragment_blocks)" 1 1048576 \
		"$5: the pieces keep to 1 MiB"
	between $(($(rss) - before)) -100000 4096 "$5: and memory with them"
}
flood 4 1 10.77.0.9 10.77.0.2 "one source"
flood 4 100000 10.77.0.9 10.77.0.2 "many sources"
flood 6 100000 fd77::9 fd77::2 "many sources over IPv6"
between "$(stat_json .drops.fragment_limit)" 1000 100000000 \
	"what gave way was counted"
tcpd_stop

# --- a Linux peer whose smallest segment is larger than the MTU
tcpd_start -o 'mtu = 68 host-addresses = {"10.77.0.1/24"}' \
	-o 'service web { listen = ":80" kind = http }'
ok "a page over an MTU of 68" \
	in_ns curl -sf -o "$tmp/page" --max-time 20 http://10.77.0.2/
ok "its request came in fragments" \
	test "$(stat_json .fragments.whole)" -gt 0
no "and nobody is warned of it" grep -q 'mtu = 68: ' "$tmp/tcpd.log"
tcpd_stop

done_testing
