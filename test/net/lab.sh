#!/bin/sh
# SPDX-License-Identifier: MIT
# ALONE
# lab.sh - the experiments of scripts/lab, twenty times faster than real time;
# each of their verdicts is a test; some over IPv6 again.  FULL=1: in real time,
# and all of them over IPv6.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
export BUILD
keep=$BUILD/lab
n=0

# <name> <arguments of scripts/lab/all>
lab() {
	name=$1
	shift
	"$top/scripts/lab/all" --keep "$keep" "$@" >"$keep.verdicts" 2>&1 &
	pid=$!
	trap 'kill $pid; wait; exit 143' TERM INT
	rc=0
	wait $pid || rc=$?
	bad=0
	while read -r word text; do
		n=$((n + 1))
		case $word in
		PASS) echo "ok $n - $name: $text" ;;
		SKIP) echo "ok $n - $name: ${text%%:*} # SKIP ${text#*: }" ;;
		*)
			bad=1
			echo "not ok $n - $name: $text"
			tail -n 40 "$keep/${text%%:*}.txt" | sed 's/^/# /'
			;;
		esac
	done <"$keep.verdicts"
	if [ $rc != $bad ]; then
		n=$((n + 1))
		echo "not ok $n - $name: all says so in its exit code, $rc"
	fi
}

mkdir -p "$BUILD"
lab '20 times faster' --scale 20
if [ -n "${FULL:-}" ]; then
	lab 'over IPv6' --family 6 --scale 20
	lab 'in real time'
else
	for name in rst abort states; do
		n=$((n + 1))
		"$top/scripts/lab/$name" --family 6 --scale 50 --keep "$keep" \
			>"$keep/$name-6.txt" 2>&1 || printf 'not '
		echo "ok $n - over IPv6: $(grep -E '^(PASS|FAIL) ' \
			"$keep/$name-6.txt" | tail -n 1)"
	done
fi
rm -f "$keep.verdicts"
echo "1..$n"
