# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - what the namespace tests share (sourced; see README, "Tests").
#
# A namespace $ns and a directory $tmp of the test's own; both go, with every
# process that the test started, when it ends, however it ends.  Nothing here
# touches the host's network.
#
# FAMILY=6: over IPv6, in tests that say "# FAMILIES" in their head.  They write
# $stack (tcpd's address), $host (the kernel's) and $away (nobody's: rawpeer),
# before a port $stack_at, $host_at and $away_at.
#
#   tcpd_start [-o TEXT]...    tcpd in $ns, until it answers; logs: $tmp/tcpd.log
#   tcpd_stop                  SIGTERM and wait; its exit code
#   tcpctl ...                 the control program on this tcpd
#   in_ns COMMAND...           in the namespace
#   bg NAME COMMAND...         in the background (stdout and stderr in
#                              $tmp/NAME.log); its pid is in $pid
#   wait_for 'CONDITION' SECONDS   polls every 20 ms; 1 when time is up
#   is GOT WANT NAME · ok NAME COMMAND... · no NAME COMMAND... ·
#   between GOT LEAST MOST NAME · pass NAME · fail NAME [DETAIL] ·
#   skip NAME REASON · diag TEXT · done_testing
#   raw NAME [ARG]... < script    rawpeer in the background: $tmp/NAME.log
#   app_start, app COMMAND...     an app (app.c): prints the line it answers;
#                              app_tell COMMAND...: does not wait for one
#   router_start               a second namespace $peer behind a router:
#       [ $peer 10.78.0.2 ]--veth--[ $router drops ]--veth--[ $ns ]--tcpd0
#                              (and fd78::2, over IPv6)
#   router_loss PERCENT        in each direction
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
FULL=${FULL:-}
PATH=$PATH:/usr/sbin:/sbin

FAMILY=${FAMILY:-4}
# shellcheck disable=SC2034 # for the tests
case $FAMILY in
6)
	stack=fd77::2 host=fd77::1 away=fd77::77
	stack_at=[$stack] host_at=[$host] away_at=[$away]
	;;
*)
	stack=10.77.0.2 host=10.77.0.1 away=10.77.0.77
	stack_at=$stack host_at=$host away_at=$away
	;;
esac

ns=tcpd-$$
router=tcpd-r-$$
peer=tcpd-p-$$
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tcpd-test.XXXXXX")
chmod 711 "$tmp"
run=$tmp/run
conf=$tmp/tcpd.conf
: >"$conf"
tests=0
failures=0
tcpd_pid=
pids=
netns=

bail() {
	echo "Bail out! $*" >&2
	exit 1
}

cleanup() {
	local p n
	trap - EXIT
	for p in $tcpd_pid $pids; do
		kill "$p" 2>/dev/null && kill -CONT "$p" 2>/dev/null
	done
	# shellcheck disable=SC2086 # lists of pids
	cleanup_wait $tcpd_pid $pids
	for n in $netns; do
		# what still runs inside was started by this test
		for p in $(ip netns pids "$n" 2>/dev/null); do
			kill -9 "$p" 2>/dev/null
		done
		ip netns del "$n" 2>/dev/null
	done
	[ -n "${KEEP:-}" ] || rm -rf "$tmp"
}

any_alive() {
	local p
	for p; do
		kill -0 "$p" 2>/dev/null && return
	done
	return 1
}

# At most two seconds for processes that were asked to end.
cleanup_wait() {
	local i=0
	while [ $i -lt 100 ] && any_alive "$@"; do
		sleep 0.02
		i=$((i + 1))
	done
	kill -9 "$@" 2>/dev/null
	[ $# = 0 ] || wait "$@" 2>/dev/null
}

trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP

[ "$(id -u)" = 0 ] || bail "needs root"
[ -c /dev/net/tun ] || bail "needs /dev/net/tun"

netns_add() {
	ip netns add "$1" || bail "cannot make the namespace $1"
	netns="$netns $1"
	ip -n "$1" link set lo up
}
netns_add "$ns"

in_ns() { ip netns exec "$ns" "$@"; }
in_peer() { ip netns exec "$peer" "$@"; }

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

wait_for() {
	local until
	until=$(($(date +%s%N) / 1000000 + ${2%.*} * 1000))
	while ! eval "$1"; do
		[ $(($(date +%s%N) / 1000000)) -lt "$until" ] || return 1
		sleep 0.02
	done
}

pass() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

fail() {
	tests=$((tests + 1))
	failures=$((failures + 1))
	echo "not ok $tests - $1"
	[ $# -lt 2 ] || diag "$2"
	return 1
}

# What cannot be tested here must say why.
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

is() {
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3" "got:  $1
want: $2"
	fi
}

between() {
	if awk "BEGIN { exit !(\"$1\" != \"\" && $1 + 0 >= $2 && $1 + 0 <= $3) }" \
		2>/dev/null; then
		pass "$4"
	else
		fail "$4" "got: $1
want: from $2 to $3"
	fi
}

ok() {
	local name="$1" rc=0
	shift
	"$@" >"$tmp/ok.log" 2>&1 || rc=$?
	if [ $rc = 0 ]; then
		pass "$name"
	else
		fail "$name" "exit code $rc of: $*
$(tail -n 20 "$tmp/ok.log")"
	fi
}

no() {
	local name="$1"
	shift
	if "$@" >"$tmp/ok.log" 2>&1; then
		fail "$name" "it worked: $*
$(tail -n 20 "$tmp/ok.log")"
	else
		pass "$name"
	fi
}

done_testing() {
	local rc=0
	if [ -n "$tcpd_pid" ] && tcpd_gone; then
		fail "tcpd is still there at the end" "$(tail -n 40 "$tmp/tcpd.log")"
	elif [ $failures -gt 0 ] && [ -s "$tmp/tcpd.log" ]; then
		diag "--- end of tcpd's log"
		diag "$(tail -n 20 "$tmp/tcpd.log")"
	fi
	# leaks are looked for at the end of the process
	if [ -n "$tcpd_pid" ] && grep -q __asan_init "$BUILD/tcpd"; then
		tcpd_stop || rc=$?
		is $rc 0 "tcpd ends in order"
	fi
	if grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer' \
		"$tmp"/tcpd.log* 2>/dev/null; then
		fail "the sanitizers have nothing to report" \
			"$(grep -aEA 30 'Sanitizer|runtime error:' "$tmp"/tcpd.log*)"
	fi
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}

bg() {
	local name="$1"
	shift
	"$@" >"$tmp/$name.log" 2>&1 </dev/null &
	pid=$!
	pids="$pids $pid"
}

# The child is tcpd itself: `ip netns exec` becomes what it runs.
tcpd_launch() {
	ip netns exec "$ns" "$BUILD/tcpd" -f "$conf" \
		-o "user = nobody group = nogroup run-dir = \"$run\"" "$@" \
		>>"$tmp/tcpd.log" 2>&1 </dev/null &
	tcpd_pid=$!
}

tcpd_gone() { ! kill -0 "$tcpd_pid" 2>/dev/null; }

tcpd_start() {
	tcpd_launch "$@"
	if ! wait_for "tcpctl version >/dev/null 2>&1 || tcpd_gone" 20 ||
		tcpd_gone; then
		bail "tcpd did not start: $(tail -n 20 "$tmp/tcpd.log")"
	fi
}

tcpd_stop() {
	local rc=0
	kill "$tcpd_pid"
	wait "$tcpd_pid" || rc=$?
	tcpd_pid=
	return $rc
}

tcpctl() { "$BUILD/tcpctl" -s "$run/ctl.sock" "$@"; }
export TCPD_CTL="$run/ctl.sock"
export TCPD_APP="$run/app.sock"

raw() {
	local name="$1"
	shift
	cat >"$tmp/$name.in"
	ip netns exec "$ns" "$BUILD/test/net/rawpeer" "$@" \
		<"$tmp/$name.in" >"$tmp/$name.log" 2>&1 &
	pid=$!
	pids="$pids $pid"
}

app_start() {
	mkfifo "$tmp/app.in"
	: >"$tmp/app.log" # its lines are counted before it may have begun
	"$BUILD/test/net/app" <"$tmp/app.in" >"$tmp/app.log" 2>&1 &
	app_pid=$!
	pids="$pids $app_pid"
	exec 9>"$tmp/app.in"
}

app_tell() { echo "$*" >&9; }
app_lines() { wc -l <"$tmp/app.log"; }

app() {
	local before
	before=$(app_lines)
	app_tell "$@"
	wait_for "[ \$(app_lines) -gt $before ]" "${APP_WAIT:-10}" ||
		echo "no answer to: $*"
	tail -n +$((before + 1)) "$tmp/app.log"
}

# One number or word out of `tcpctl --json ss -a`: jq's own language.
ss_json() { tcpctl --json ss -a | jq -r "$1"; }
stat_json() { tcpctl --json stats | jq -r "$1"; }

# cubic, whatever the host's default is: bbr would pace
force_cubic() { # <namespace> <route as `ip route change` takes it>
	local in="$1"
	shift
	ip -n "$in" route change "$@" congctl cubic
}

router_start() {
	netns_add "$router"
	netns_add "$peer"
	ip -n "$peer" link add eth0 type veth peer name p0 netns "$router"
	ip -n "$ns" link add eth0 type veth peer name n0 netns "$router"
	ip -n "$peer" addr add 10.78.0.2/24 dev eth0
	ip -n "$router" addr add 10.78.0.1/24 dev p0
	ip -n "$router" addr add 10.79.0.1/24 dev n0
	ip -n "$ns" addr add 10.79.0.2/24 dev eth0
	ip -n "$peer" addr add fd78::2/64 dev eth0 nodad
	ip -n "$router" addr add fd78::1/64 dev p0 nodad
	ip -n "$router" addr add fd79::1/64 dev n0 nodad
	ip -n "$ns" addr add fd79::2/64 dev eth0 nodad
	ip -n "$peer" link set eth0 up
	ip -n "$router" link set p0 up
	ip -n "$router" link set n0 up
	ip -n "$ns" link set eth0 up
	ip -n "$peer" route add default via 10.78.0.1
	ip -n "$router" route add 10.77.0.0/24 via 10.79.0.2
	ip -n "$ns" route add 10.78.0.0/24 via 10.79.0.1
	ip -n "$peer" -6 route add default via fd78::1
	ip -n "$router" -6 route add fd77::/64 via fd79::2
	ip -n "$ns" -6 route add fd78::/64 via fd79::1
	for n in "$ns" "$router"; do
		ip netns exec "$n" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
	done
	# one packet dropped shall be one segment lost: no super-segments
	ip -n "$peer" link set eth0 gso_max_segs 1
	ip -n "$ns" link set eth0 gso_max_segs 1
}

router_loss() {
	ip netns exec "$router" nft -f - <<-END
		table inet loss {
			chain forward {
				type filter hook forward priority 0
				numgen random mod 100 < $1 counter drop
			}
		}
	END
}
