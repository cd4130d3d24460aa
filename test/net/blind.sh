#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# blind.sh - an attacker who knows the addresses and ports of a connection
# guesses its sequence numbers, while another connection transfers: neither is
# harmed, and what tcpd answers on one tells nothing of another.
#
# FULL=1: a million guesses each.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

guesses=50000
octets=$((32 << 20))
if [ -n "$FULL" ]; then
	guesses=1000000
	octets=$((512 << 20))
fi

tcpd_start -o 'service echo { listen = ":7" kind = echo }'

port=5000
blind() { # <4 or 6> <what> <number>
	port=$((port + 1)) # a listener's end takes its time
	in_ns "$BUILD/test/net/blind" "$1" $port "$2" "$3" >"$tmp/blind" 2>&1 ||
		diag "$(cat "$tmp/blind")"
}
said() { sed -n "s/^$1 //p" "$tmp/blind"; }

attack() { # <4 or 6> <what> <its name>
	before=$(stat_json .segments.challenge_acks)
	echoed in_ns 10.77.0.2 7 1 "$octets" >"$tmp/echoed" &
	transfer=$!
	wait_for "ss_json '.[] | select(.state == \"ESTABLISHED\") | .local' | grep -q ':7\$'" 20
	blind "$1" "$2" "$guesses"
	wait $transfer
	between "$(said sent)" $((guesses - 100)) "$guesses" \
		"IPv$1: $3 ($(said sent) in $(said seconds) s)"
	is "$(said fate)" alive "IPv$1: the connection is alive, no foreign octet"
	is "$(said others)" 0 "IPv$1: nothing but ACKs answered"
	is "$(cat "$tmp/echoed")" "1 identical" \
		"IPv$1: the other one's data came back as it went"
	# one in 500 ms, and the first at once
	between $(($(stat_json .segments.challenge_acks) - before)) 1 \
		"$(awk "BEGIN { print int($(said seconds) * 2) + 2 }")" \
		"IPv$1: challenge ACKs"
}

for family in 4 6; do
	attack $family sweep "RSTs over the whole sequence space"
	between "$(said acks)" 1 \
		"$(awk "BEGIN { print int($(said seconds) * 2) + 2 }")" \
		"IPv$family: answers to RSTs: challenge ACKs alone"
	attack $family data "segments of text with guessed numbers"
done

# no counter is shared: what is spent on one connection is not missing on B
blind 4 hammer 100
is "$(said alone_challenges)" 3 "B answers three RSTs in its window"
is "$(said hammered_challenges)" 3 \
	"and three while A gets $(said hammered_rsts) RSTs"
between "$(said hammered_seconds)" 0.99 5 \
	"at the same rate ($(said alone_seconds) s, $(said hammered_seconds) s)"
is "$(said fate)" alive "B is alive"

done_testing
