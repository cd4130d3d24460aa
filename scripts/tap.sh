# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# tap.sh - run test programs that speak TAP, and keep the sum (sourced).
#
#   tap_begin DIR                 logs and results go to DIR
#   tap_run NAME SECONDS CMD...   one program
#   tap_spawn NAME SECONDS CMD... the same beside another one (two cores)
#   tap_end                       waits, prints "N passed, N failed"
#
# Every `ok` and `not ok` line counts.  A program that is killed, takes
# longer than SECONDS, says `not ok` nowhere and yet exits with an error, or
# breaks its own plan counts as one more failure.  A skip is neither: its
# reason is printed.  With TAP_TOTAL=FILE the sum is also added to FILE, for
# a caller that runs several of these.

tap_begin() {
	tap_dir=$1
	mkdir -p "$tap_dir"
	rm -f "$tap_dir"/*.log
	: >"$tap_dir/results"
}

tap_run() {
	local name=$1 limit=$2 rc=0 start=$SECONDS
	local log=$tap_dir/${name//\//_}.log
	shift 2
	timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || rc=$?
	tap_judge "$name" "$limit" "$rc" "$log" $((SECONDS - start))
}

tap_spawn() {
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n || true
	done
	tap_run "$@" &
}

# One line for a program that passed; all that is known of one that did not.
tap_judge() {
	local name=$1 limit=$2 rc=$3 log=$4 took=$5 ok bad skip plan why=''

	skip=$(grep -aciE '^ok\b.*# *skip' "$log")
	ok=$(($(grep -acE '^ok\b' "$log") - skip))
	bad=$(grep -acE '^not ok\b' "$log")
	plan=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$log" | tail -n 1)

	case $rc in
	124 | 137) why="not done after $limit s" ;;
	0) ;;
	*) [ "$bad" -gt 0 ] && [ "$rc" -lt 128 ] || why="exit code $rc" ;;
	esac
	if [ -z "$why" ] && [ -n "$plan" ] &&
		[ "$plan" -ne $((ok + bad + skip)) ]; then
		why="planned $plan, ran $((ok + bad + skip))"
	fi
	if [ -z "$why" ] && [ $((ok + bad + skip)) = 0 ]; then
		grep -qE '^1\.\.0 *# *[Ss][Kk][Ii][Pp]' "$log" ||
			why='no test ran'
	fi
	[ -z "$why" ] || bad=$((bad + 1))

	{
		grep -aiE '^(ok|1\.\.0).*# *skip' "$log" |
			sed "s|^|skip  $name: |"
		if [ "$bad" = 0 ]; then
			printf 'ok    %-30s %5d %5d s\n' "$name" "$ok" "$took"
		else
			printf 'FAIL  %-30s %5d %5d s, %d failed%s\n' "$name" \
				"$ok" "$took" "$bad" "${why:+ ($why)}"
			grep -aE '^not ok\b' "$log" | head -n 20 |
				sed 's/^/      /'
			echo "      --- end of $log:"
			tail -n 30 "$log" | sed 's/^/      | /'
		fi
	} >"$log.said"
	cat "$log.said"
	rm -f "$log.said"
	echo "$ok $bad" >>"$tap_dir/results"
}

tap_end() {
	wait
	[ -z "${TAP_TOTAL:-}" ] || cat "$tap_dir/results" >>"$TAP_TOTAL"
	tap_sum "$tap_dir/results"
}

# The closing line of a file of results; 1 when something failed or nothing
# ran at all.
tap_sum() {
	awk '{ ok += $1; bad += $2 }
		END { printf "%d passed, %d failed\n", ok, bad
		      exit bad > 0 || ok == 0 }' "$1"
}
