# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # $tmp and $BUILD are lib.sh's
# stream.sh - streams of random data for the transfer tests (sourced after
# lib.sh).

# echoed WHERE ADDRESS PORT FLOWS OCTETS: as many flows at once, OCTETS in all,
# each of its own data; prints how many came back with the same SHA-256.
echoed() {
	local where="$1" address="$2" port="$3" flows="$4"
	local each=$(($5 / $4)) i=0 jobs='' good=0 bad=''
	while [ $i -lt "$flows" ]; do
		head -c $each /dev/urandom >"$tmp/data.$i"
		i=$((i + 1))
	done
	i=0
	while [ $i -lt "$flows" ]; do
		{
			"$where" timeout "${LIMIT:-300}" "$BUILD/test/net/duplex" \
				"$address" "$port" <"$tmp/data.$i" |
				sha256sum >"$tmp/got.$i"
		} 2>"$tmp/err.$i" &
		jobs="$jobs $!"
		i=$((i + 1))
	done
	# shellcheck disable=SC2086 # a list of pids
	wait $jobs
	i=0
	while [ $i -lt "$flows" ]; do
		if [ "$(sha256sum <"$tmp/data.$i")" = "$(cat "$tmp/got.$i")" ]; then
			good=$((good + 1))
		else
			bad="$bad; flow $i differs: $(cat "$tmp/err.$i")"
		fi
		rm -f "$tmp/data.$i" "$tmp/got.$i" "$tmp/err.$i"
		i=$((i + 1))
	done
	echo "$good identical$bad"
}
