#!/bin/sh
# SPDX-License-Identifier: MIT
# wrong_input.sh - what tcpd cannot start with is said in one clear line, with
# exit code 2 for a wrong configuration and 1 for a fault of the system.
#
# (What a configuration may hold is test/conf's subject; here it is the whole
# program, its exit code, and that nothing stays behind.)
. "$(dirname "$0")/lib.sh"

# <name> <exit code> <pattern of the line> <arguments of tcpd...>
refused() {
	local name="$1" code="$2" pattern="$3" rc=0
	shift 3
	in_ns timeout 10 "$BUILD/tcpd" "$@" >"$tmp/out" 2>"$tmp/err" || rc=$?
	is "$rc" "$code" "$name: exit code $code"
	is "$(wc -l <"$tmp/err")" 1 "$name: one line"
	ok "$name: it says what and where" grep -qE -e "$pattern" "$tmp/err" ||
		diag "$(cat "$tmp/err")"
}

file() { # <lines...>: a configuration
	printf '%s\n' "$@" >"$tmp/wrong.conf"
}

file 'mtu = 1500' '' 'colour = red'
refused "unknown directive" 2 'wrong\.conf:3: colour: .*expected' \
	-f "$tmp/wrong.conf"
file 'time-wait = 60'
refused "missing unit" 2 'wrong\.conf:1: time-wait: .*expected' \
	-f "$tmp/wrong.conf"
file 'addresses = {"10.77.0.256/24"}'
refused "bad address" 2 'wrong\.conf:1: addresses: .*10\.77\.0\.256.*expected' \
	-f "$tmp/wrong.conf"
file 'mtu = 1500' 'service web {' 'listen = ":80"' 'kind = http'
refused "unclosed section" 2 'wrong\.conf:[0-9]+: service web: .*expected' \
	-f "$tmp/wrong.conf"
file 'mtu = 1500' '}' 'x'
refused "garbage at the end" 2 'wrong\.conf:2: .*expected' -f "$tmp/wrong.conf"
file 'service x {' 'listen = ":80"' 'kind = exec' '}'
refused "not in this version" 2 'wrong\.conf:[0-9]+: .*not in this version' \
	-f "$tmp/wrong.conf"
refused "a file that is not there" 2 'nowhere\.conf: .*No such file' \
	-f "$tmp/nowhere.conf"
refused "-o nonsense" 2 '-o 1:1: nonsense: .*expected' -f "$conf" -o nonsense
refused "an unknown option" 2 '-x: ' -f "$conf" -x
refused "an unknown user" 2 'user' -f "$conf" -o "user = nobody-$$"
long=$(printf '%0110d' 0)
refused "a socket path that is too long" 2 'run-dir' -f "$conf" \
	-o "user = nobody group = nogroup run-dir = \"/tmp/$long\""

tcpd_start
refused "a TUN that another process owns" 1 "tcpd0.*in use.*pid $tcpd_pid" \
	-f "$conf" -o "user = nobody group = nogroup run-dir = \"$tmp/run2\""
refused "a run-dir that another tcpd owns" 1 "run-dir.*in use.*pid $tcpd_pid" \
	-f "$conf" -o "user = nobody group = nogroup run-dir = \"$run\" tun = tcpd1"
ok "neither harmed the tcpd that runs" tcpctl version
tcpd_stop

cp "$BUILD/tcpd" "$tmp/tcpd" # where nobody may run it
mkdir -m 777 "$tmp/nobody"
rc=0
in_ns setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
	"$tmp/tcpd" -f "$conf" -o "run-dir = \"$tmp/nobody/run\"" \
	>"$tmp/out" 2>"$tmp/err" || rc=$?
is $rc 1 "no right to make a TUN: exit code 1"
is "$(wc -l <"$tmp/err")" 1 "no right to make a TUN: one line"
ok "no right to make a TUN: it says what to do" \
	grep -qE '/dev/net/tun|tuntap' "$tmp/err"
rc=0
in_ns setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$tmp/tcpd" -f "$conf" -o 'user = root' >"$tmp/out" 2>"$tmp/err" || rc=$?
is $rc 2 "another user without root: exit code 2"

# tcpctl
rc=0
"$BUILD/tcpctl" -s "$tmp/nowhere.sock" ss 2>"$tmp/err" || rc=$?
is $rc 3 "tcpctl without a daemon: exit code 3"
is "$(wc -l <"$tmp/err")" 1 "tcpctl without a daemon: one line"
rc=0
"$BUILD/tcpctl" nonsense 2>"$tmp/err" || rc=$?
is $rc 2 "tcpctl with an unknown command: exit code 2"
tcpd_start
rc=0
tcpctl ss 'dport =' 2>"$tmp/err" || rc=$?
is $rc 2 "a filter that is none: exit code 2, and words"
ok "which are there" test -s "$tmp/err"
rc=0
tcpctl abort 123456 2>"$tmp/err" || rc=$?
is $rc 1 "an ID that is none: exit code 1"
for port in x 0 65536 80x ''; do
	"$BUILD/examples/client" 10.77.0.2 "$port" 2>/dev/null
	echo $?
	"$BUILD/examples/server" 10.77.0.2 "$port" 2>/dev/null
	echo $?
done >"$tmp/codes"
is "$(sort -u "$tmp/codes")" 2 "the examples take no port that is none"
tcpd_stop

done_testing
