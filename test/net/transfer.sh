#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# transfer.sh - random data through echo comes back as it went: one flow and
# eight, offloads on and off, MTU 1500 and 576 (1280).
#
# FULL=1: 1 GiB in each of the eight cases; TRANSFER_MB=N says it otherwise.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

mb=${FULL:+1024}
[ "$FAMILY" = 4 ] || mb=${mb:-12}
mb=${TRANSFER_MB:-${mb:-48}}

small=576
[ "$FAMILY" = 4 ] || small=1280 # the least MTU of IPv6
for offload in auto off; do
	for mtu in 1500 $small; do
		tcpd_start -o "offload = $offload mtu = $mtu" \
			-o 'service echo { listen = ":7" kind = echo }'
		for flows in 1 8; do
			is "$(echoed in_ns "$stack" 7 $flows $((mb << 20)))" \
				"$flows identical" \
				"$mb MiB, $flows flows, offload $offload, MTU $mtu"
		done
		is "$(stat_json .memory.ooo_pruned)" 0 "nothing was given up"
		ok "tcpd ends in order" tcpd_stop
	done
done

done_testing
