#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# transfer_app.sh - the same through the example app server: tcpd hands the
# connections to a process, which sends everything back.
#
# FULL=1: 1 GiB in each case; TRANSFER_MB=N says it otherwise.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

mb=${FULL:+1024}
[ "$FAMILY" = 4 ] || mb=${mb:-12}
mb=${TRANSFER_MB:-${mb:-48}}

small=576
[ "$FAMILY" = 4 ] || small=1280 # the least MTU of IPv6
for offload in auto off; do
	for mtu in 1500 $small; do
		tcpd_start -o "offload = $offload mtu = $mtu"
		bg server "$BUILD/examples/server" "$stack" 5000
		wait_for 'tcpctl ss -l | grep -q :5000' 5
		for flows in 1 8; do
			is "$(echoed in_ns "$stack" 5000 $flows $((mb << 20)))" \
				"$flows identical" \
				"$mb MiB, $flows flows, offload $offload, MTU $mtu"
		done
		kill "$pid"
		ok "tcpd ends in order" tcpd_stop
	done
done

done_testing
