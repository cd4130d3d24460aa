#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ALONE
# synack_waits.sh - a SYN that is never answered: SYN-ACKs at the configured
# waits and not one later, then the entry is gone.  On a real TUN, with the
# protocol's clock at twenty times the wall's.
. "$(dirname "$0")/lib.sh"

scale=20

# <profile> <times of the SYN-ACKs and of the end, in protocol seconds>
never_answered() {
	profile=$1
	shift
	tcpd_start -o "profile = $profile time-scale = $scale" \
		-o 'service web { listen = ":80" kind = http }'
	end=
	for end in "$@"; do :; done
	wall=$(awk "BEGIN { print $end / $scale }")

	raw peer -s "$away_at:4000" -d "$stack_at:80" <<-END
		send S mss=1460
		log $(awk "BEGIN { print ($wall + 1) * 1000 }")
	END
	peer_pid=$pid
	wait_for 'ss_json ".[].state" | grep -q SYN-RECEIVED' 2
	is "$(ss_json '.[] | select(.state == "SYN-RECEIVED") | .timer')" \
		synack "$profile: the table shows SYN-RECEIVED with its timer"
	between "$(ss_json '.[] | select(.state == "SYN-RECEIVED") | .timer_ms')" \
		0 $((${end%.*} * 1000)) "$profile: and what is left of it"

	# just before the end it is there, just after it is not
	begin=$(date +%s%N)
	wait_for '! ss_json ".[].state" | grep -q SYN-RECEIVED' 10
	gone=$((($(date +%s%N) - begin) / 1000000))
	between $gone "$(awk "BEGIN { print $wall * 1000 - 500 }")" \
		"$(awk "BEGIN { print $wall * 1000 + 150 }")" \
		"$profile: the entry is gone after $end s"
	wait "$peer_pid"

	n=0
	for at in "$@"; do
		[ "$at" != "$end" ] || break
		n=$((n + 1))
		seen=$(grep '<.*S\. ' "$tmp/peer.log" | sed -n ${n}p |
			awk '{ print $1 }')
		between "${seen:-never}" "$(awk "BEGIN { print $at / $scale }")" \
			"$(awk "BEGIN { print $at / $scale + 0.025 }")" \
			"$profile: SYN-ACK $n at $at s"
	done
	is "$(grep -c '<' "$tmp/peer.log")" $n \
		"$profile: $n segments came, and nothing else"
	is "$(stat_json .timeouts.half_open)" 1 "$profile: it is counted"
	tcpd_stop
}

never_answered tutorial 0 3 9 21 45 93
never_answered modern 0 1 3 7 15 31 63

done_testing
