# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# suites.sh - the test programs that need neither root nor a network
# (sourced after tap.sh): unit tests, conversations, simulation and
# configurations of the build in $1, the simulation with $2 seeds.

run_suites() {
	local B=$1 seeds=$2 t
	local -a scripts

	# the simulation is the longest: it gets one of the two cores at once
	[ ! -x "$B/test/sim/sim" ] ||
		tap_spawn sim 600 "$B/test/sim/sim" --seeds "$seeds"
	for t in "$B"/test/unit/test_*; do
		[ -x "$t" ] && [ -f "$t" ] || continue
		tap_spawn "unit/${t##*/}" 120 "$t"
	done
	mapfile -t scripts < <(find test/script -name '*.pkt' | sort)
	[ ${#scripts[@]} = 0 ] ||
		tap_spawn script 120 "$B/test/script/run" "${scripts[@]}"
	tap_spawn conf 60 scripts/check-conf "$B"
	wait
}
