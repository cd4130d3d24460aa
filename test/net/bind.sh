#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# bind.sh - the table of bind(2): which local addresses two sockets may have,
# by SO_REUSEADDR and SO_REUSEPORT, address, state and user; each row from a
# kernel's socket and from tcpd's.  And what listeners on one port get.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'addresses = {"10.77.0.2/24", "10.77.0.3/24", "fd77::2/64",
	"fd77::3/64"} allow all { user = "12345" listen = {":1-65535"} }'
for i in 1 2 3; do
	ip -n "$ns" addr add "10.88.0.$i/24" dev lo
	ip -n "$ns" addr add "fd88::$i/64" dev lo nodad
done
# a socket that is bound to no address of its own connects from the first one
ip -n "$ns" route change local 10.88.0.1 dev lo table local proto kernel \
	scope host src 10.88.0.2
ip -n "$ns" -6 route del local fd88::1 dev lo table local
ip -n "$ns" -6 route add local fd88::1 dev lo table local src fd88::2

both() { # table or share
	for who in kernel tcpd; do
		net=77
		[ $who = tcpd ] || net=88
		ok "$1: $who's sockets answer" \
			in_ns "$BUILD/test/net/bind" $who "$1" \
			10.$net.0.2 10.$net.0.3 10.$net.0.1 \
			fd$net::2 fd$net::3 fd$net::1
		cp "$tmp/ok.log" "$tmp/$1.$who"
	done
}

both table
paste "$tmp/table.kernel" "$tmp/table.tcpd" >"$tmp/rows"
is "$(wc -l <"$tmp/rows")" 8460 "there are as many rows as combinations"
awk -F '\t' '$7 != $14' "$tmp/rows" >"$tmp/differ"
# The one known difference, with its reason.
awk -F '\t' '$1 ~ /^(accepted|connected|TIME-WAIT)/ && $2 == "[::]" &&
	$4 == "0.0.0.0" && $7 == "EADDRINUSE" && $14 == "ok ok"' \
	"$tmp/differ" >"$tmp/known"
is "$(grep -vxFf "$tmp/known" "$tmp/differ")" "" \
	"every answer is the kernel's, or differs for a known reason"
diag "$(wc -l <"$tmp/known") of $(wc -l <"$tmp/rows") rows differ: in the kernel an IPv6
connection of a socket that was not v6-only has 127.0.0.6 as its IPv4 address,
so that it is in the way of 0.0.0.0; in tcpd it has its IPv6 address alone"

both share
is "$(cat "$tmp/share.tcpd")" "$(cat "$tmp/share.kernel")" \
	"listeners on one port get what the kernel's get" &&
	diag "$(cat "$tmp/share.tcpd")"
no "none is left without a share" grep -E ': no$' "$tmp/share.tcpd"

done_testing
