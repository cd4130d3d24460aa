#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# leaks.sh - the numbers in tcpd's packets tell a stranger nothing of others:
# initial sequence numbers and time stamps are each connection's own, the IPv4
# identification is 0 in packets that are never fragmented, and no amount of
# RSTs moves anything that another one sees.
. "$(dirname "$0")/lib.sh"

tcpd_start

for family in 4 6; do
	rc=0
	in_ns "$BUILD/test/net/leaks" $family 20000 >"$tmp/leaks" 2>&1 || rc=$?
	is $rc 0 "IPv$family: 400 ports and a flood" || diag "$(cat "$tmp/leaks")"
	said() { sed -n "s/^$1 //p" "$tmp/leaks"; }
	for n in isn ts; do
		case $n in
		isn) name="initial sequence numbers" ;;
		ts) name="bases of time stamps" ;;
		esac
		# two are the same by chance once in 50,000
		between "$(said ${n}_different)" 399 400 \
			"IPv$family: $(said ${n}_different) different $name"
		# by chance below 90 % once in 10^16
		between "$(said ${n}_spread)" 90 100 \
			"IPv$family: over $(said ${n}_spread) % of the numbers"
		# seconds of its clock, over what passed
		between "$(said ${n}_ahead)" -0.05 0.05 \
			"IPv$family: $(said resets) RSTs moved none of them"
	done
	between "$(said resets)" 100 20000 "IPv$family: RSTs came"
	is "$(said ids) of $(said packets)" "0 of $(said packets)" \
		"IPv$family: SYN-ACKs, RSTs and data have identification 0"
	is "$(said fragmentable)" 0 "IPv$family: and may not be fragmented"
done

done_testing
