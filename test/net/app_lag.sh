#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ASAN
# app_lag.sh - random exchanges through an app's fd: no octet lost or out of
# its place, no stall, and each kind of end as it should be.
#
# FULL=1: 20,000 rounds; ROUNDS=N says it otherwise.
. "$(dirname "$0")/lib.sh"

rounds=${FULL:+20000}
rounds=${ROUNDS:-${rounds:-1500}}
seed=${SEED:-$$}

tcpd_start
for try in 1 2; do
	diag "seed $((seed + try))"
	ok "$rounds random exchanges" in_ns "$BUILD/test/net/applag" \
		"$stack" "$host" "$rounds" $((seed + try))
	diag "$(cat "$tmp/ok.log")"
done
wait_for '[ "$(ss_json "[.[] | select(.state != \"TIME-WAIT\")] | length")" = 0 ]' 5
is "$(ss_json '[.[] | select(.state != "TIME-WAIT")] | length')" 0 \
	"afterwards nothing is left but TIME-WAIT"

done_testing
