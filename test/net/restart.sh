#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# restart.sh - tcpd is killed under traffic and started again, over and over:
# sequence numbers and time stamps of the same four numbers go up, an old
# peer's data gets RST, its next SYN is answered at once, and so is everybody
# else's.  30 times; 1,000 with FULL.
. "$(dirname "$0")/lib.sh"

rounds=30
export stack_at # for noise
[ -z "$FULL" ] || rounds=1000
isn=
ts=

# The interface outlives tcpd, so that the peers outlive it too.
ip -n "$ns" tuntap add dev tcpd0 mode tun

start() { # scale $1
	tcpd_start -o "time-scale = $1
		service echo { listen = \":7\" kind = echo }
		service noise { listen = \":19\" kind = chargen }
		service web { listen = \":80\" kind = http }"
	# the kernel takes its time to see that somebody reads again, and
	# throws away what is sent meanwhile
	wait_for '! ip -n "$ns" -o link show tcpd0 | grep -q "state DOWN"' 5
}

die() {
	kill -9 "$tcpd_pid"
	wait "$tcpd_pid" 2>/dev/null
	tcpd_pid=
}

# --- a peer that lives through all of it: 10.77.0.77:4000 > 10.77.0.2:7
mkfifo "$tmp/peer.in"
old_peer_start() {
	in_ns "$BUILD/test/net/rawpeer" -s "$away_at:4000" -d "$stack_at:7" <"$tmp/peer.in" \
		>"$tmp/peer.log" 2>&1 &
	peer_pid=$!
	pids="$pids $peer_pid"
	exec 8>"$tmp/peer.in"
}
old_peer() { # <ends with a line that matches>; commands on stdin
	cat >&8
	wait_for "tail -n 1 '$tmp/peer.log' | grep -q '$1'" 5
}

# Is $1 ahead of $2, as sequence numbers are?
above() {
	[ -n "$1" ] && [ $((($1 - $2) & 0xffffffff)) -gt 0 ] &&
		[ $((($1 - $2) & 0x80000000)) = 0 ]
}

# The same four numbers once more, in round $1.
connect_again() {
	old_peer '< 7>4000 S\.' <<-END || return
		send S mss=1460 ts=$1,0
		wait SA
	END
	# shellcheck disable=SC2046
	set -- "$1" $(tail -n 1 "$tmp/peer.log" |
		sed 's/.* S\. \([0-9]*\):.* ts \([0-9]*\),.*/\1 \2/')
	if [ -n "$isn" ] && ! { above "$2" "$isn" && above "$3" "$ts"; }; then
		diag "round $1: ISN $2 after $isn, TSval $3 after $ts"
		return 1
	fi
	isn=$2
	ts=$3
	old_peer '< 7>4000 P*\. ' <<-END
		send A ts=$1,$ts
		send PA len=10 ts=$1,$ts
		wait A
	END
}

# What was open when tcpd died is nobody's now.
old_data() {
	old_peer '< 7>4000 R' <<-END
		send PA len=10 ts=$1,$ts
		wait R
	END
}

# --- others: bulk that is cut off again and again, and an app
noise() {
	while :; do
		curl -g -s --http0.9 --limit-rate 2M --max-time 0.3 -o /dev/null \
			"http://$stack_at:19/" || sleep 0.02
	done
}
page() { in_ns curl -g -sf --max-time 2 -o /dev/null "http://$stack_at/"; }

busy=0
rose=0
reset=0
fetched=0
private=0
apps=0
ends=0
start 1
old_peer_start
bg noise ip netns exec "$ns" sh -c "$(sed -n '/^noise() {/,/^}/p' "$0"); noise"
connect_again 0 || fail "a peer connects" "$(tail "$tmp/peer.log")"
n=0
while [ $n -lt "$rounds" ]; do
	n=$((n + 1))
	if [ $((n % 10)) = 1 ]; then
		rm -f "$tmp/app.in"
		app_start
		app listen l "$stack_at:5000" >/dev/null
		app connect a "$host_at:5001" >/dev/null # refused
		in_ns timeout 60 "$BUILD/test/net/duplex" "$stack" 5000 \
			</dev/null >/dev/null 2>&1 &
		pids="$pids $!"
		app accept b l >/dev/null
		apps=$((apps + 1))
	fi
	wait_for '[ "$(stat_json .octets.sent)" -gt 100000 ]' 5 &&
		busy=$((busy + 1))
	die
	if [ $((n % 10)) = 1 ]; then
		[ "$(app accept c l)" = "accept c ECONNRESET" ] &&
			ends=$((ends + 1))
		exec 9>&-
		kill "$app_pid"
		wait "$app_pid" 2>/dev/null
	fi
	# a clock that runs faster goes on from where it stood, and so does a
	# slower one
	start $((1 + 4 * (n / 5 % 2)))
	[ "$(stat -c %a "$run/epoch")" = 600 ] && private=$((private + 1))
	old_data $n && reset=$((reset + 1))
	connect_again $n && rose=$((rose + 1))
	page && fetched=$((fetched + 1))
	kill -0 "$peer_pid" 2>/dev/null || break
done
is $n $rounds "the peer lives through $rounds restarts by kill -9"
is $busy $rounds "each of them under bulk"
is $rose $rounds "each time its SYN is answered, ISN and time stamp above the last"
is $reset $rounds "and what it still sent to the connection of before got RST"
is $fetched $rounds "others connect at the first try"
is $private $rounds "what is kept for that is 0600"
is $ends $apps "an app's listener ends with ECONNRESET each time"
is "$(grep -c 'begin anew' "$tmp/tcpd.log")" 0 "the key was never lost"

# --- a key that others may have read is no key
die
chmod 644 "$run/epoch"
start 1
is "$(grep -c "run/epoch: others may read it.*begin anew" "$tmp/tcpd.log")" 1 \
	"a key that others may read is replaced, and the log says so"
is "$(stat -c %a "$run/epoch")" 600 "by one that they may not"

done_testing
