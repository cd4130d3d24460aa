# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# suites.sh - the test programs that need neither root nor a network
# (sourced after tap.sh): simulation, conversations, unit tests and
# configurations of the build in $1, the simulation with $2 seeds.  $3 not
# empty: without what only repeats the same code many times.

run_suites() {
	local B=$1 seeds=$2 light=${3:-} t
	local -a scripts
	mapfile -t scripts < <(find test/script -name '*.pkt' | sort)

	tap_spawn sim-few 600 "$B/test/sim/sim" --seeds "$seeds"
	tap_spawn script 300 "$B/test/script/run" --complete "${scripts[@]}"
	for t in test/unit/test_*.c; do
		t=$(basename "$t" .c)
		tap_spawn "unit/$t" 120 "$B/test/unit/$t"
	done
	tap_spawn conf 120 scripts/check-conf "$B"
	tap_spawn packetdrill 60 "$B/test/packetdrill/selftest" \
		"$B/tcpd-packetdrill.so"
	tap_spawn conf-run 120 test/conf/run "$B"
	tap_spawn install 120 test/install/run "$B"
	tap_spawn sim-memory 600 "$B/test/sim/sim" --memory
	if [ -n "$light" ]; then
		wait
		return
	fi
	tap_spawn script-records 300 "$B/test/script/run" --record \
		"${scripts[@]}"
	tap_spawn sim-records 600 "$B/test/sim/sim" --records "$seeds"
	tap_spawn sim-errnos 600 "$B/test/sim/sim" --errnos
	tap_spawn random 600 "$B/test/fuzz/random_packets" --packets 200000
	tap_spawn sim-crowd 600 "$B/test/sim/sim" --crowd
	wait
}
