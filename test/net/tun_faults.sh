#!/bin/sh
# SPDX-License-Identifier: MIT
# tun_faults.sh - what the TUN device can do to tcpd: link down, another MTU,
# deleted, writes that fail.  Connections live on, and nothing spins.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

tcpd_start -o 'service echo { listen = ":7" kind = echo }' \
	-o 'service chargen { listen = ":19" kind = chargen }'

# A connection that stays: `say WORD` sends a line, `heard WORD` sees it back.
mkfifo "$tmp/hold"
in_ns "$BUILD/test/net/duplex" 10.77.0.2 7 <"$tmp/hold" >"$tmp/heard" \
	2>"$tmp/client.log" &
pids="$pids $!"
exec 8>"$tmp/hold"
say() { echo "$1" >&8; }
# shellcheck disable=SC2317 # in a condition
heard() { wait_for "grep -q '^$1\$' '$tmp/heard'" "${2:-5}"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$tcpd_pid/stat"; }
# shellcheck disable=SC2317 # in a condition
logged() { wait_for "grep -qE '$1' '$tmp/tcpd.log'" 5; }
# <name> <seconds>: hundredths of a second of CPU, at most two a second
idle() {
	local before
	before=$(ticks)
	sleep "$2"
	between $(($(ticks) - before)) 0 $((2 * $2 + 1)) "$1"
}

say first
ok "before: the echo answers" heard first

# --- link down
ip -n "$ns" link set tcpd0 down
ok "link down: it is in the log" logged 'tcpd0 is down'
ip -n "$ns" route replace 10.77.0.0/24 dev lo # else its peer's kernel gives up
say second
idle "link down: nothing spins" 1
ip -n "$ns" route del 10.77.0.0/24 dev lo
ip -n "$ns" link set tcpd0 up
ok "link up: it is in the log" logged 'tcpd0 is up'
ok "link up: the connection lives on" heard second 10
is "$(ip -n "$ns" -6 addr show dev tcpd0 | grep -c fd77::1)" 0 \
	"link down took the IPv6 address with it"
ok "and the log says how to have it back" \
	logged 'run: .*ip addr replace fd77::1/64 dev tcpd0'

# --- another MTU
ip -n "$ns" link set tcpd0 mtu 576
ok "MTU 576: it is in the log" logged 'MTU of tcpd0 is 576'
is "$(echoed in_ns 10.77.0.2 7 1 2000000)" "1 identical" \
	"MTU 576: a stream comes back whole"
ip -n "$ns" link set tcpd0 mtu 9000
ok "MTU 9000: it is in the log" logged 'MTU of tcpd0 is 9000'
is "$(echoed in_ns 10.77.0.2 7 1 2000000)" "1 identical" \
	"MTU 9000: a stream comes back whole"
ip -n "$ns" link set tcpd0 mtu 1500

# --- deleted
ip -n "$ns" link del tcpd0
ok "deleted: it is in the log, with the commands to run" \
	logged 'cannot make interface tcpd0 again: .*ip tuntap add dev tcpd0 mode tun user 65534; ip link set tcpd0 .*; ip addr replace 10.77.0.1/24'
idle "deleted: nothing spins" 2
ok "deleted: ctl.sock answers" tcpctl version
# what the line says, by hand
ip -n "$ns" tuntap add dev tcpd0 mode tun user nobody
ip -n "$ns" link set tcpd0 mtu 1500 txqueuelen 10000 up
ip -n "$ns" addr replace 10.77.0.1/24 dev tcpd0
ok "made again: tcpd takes it" \
	wait_for 'grep -q "tcpd0 is there again" "$tmp/tcpd.log"' 10
say third
ok "made again: the connection lives on" heard third 20
is "$(echoed in_ns 10.77.0.2 7 1 2000000)" "1 identical" \
	"made again: a stream comes back whole"
exec 8>&-

# --- writes and reads that fail
if command -v strace >/dev/null && [ -z "${ASAN_OPTIONS:-}" ]; then
	for fault in writev:EAGAIN writev:ENOBUFS writev:EIO writev:EINVAL \
		writev:EINTR write:EAGAIN write:ENOBUFS write:EIO read:EIO read:EINTR read:EFAULT; do
		call=${fault%:*} error=${fault#*:} every=97
		[ "$error" != EIO ] || every=997
		strace -f -p "$tcpd_pid" -o /dev/null -e trace="$call" -P /dev/net/tun \
			-e "inject=$call:error=$error:when=20+$every" \
			>"$tmp/strace.log" 2>&1 &
		tracer=$!
		pids="$pids $tracer"
		wait_for 'grep -q attached "$tmp/strace.log"' 5
		is "$(echoed in_ns 10.77.0.2 7 1 4000000)" "1 identical" \
			"$call gives $error now and then: the stream is whole"
		kill -INT $tracer 2>/dev/null
		wait $tracer 2>/dev/null
	done
	ok "and the faults were counted or waited out" \
		grep -q 'write to tcpd0: No buffer space available' "$tmp/tcpd.log"
else
	skip "writes that fail" "needs strace, and not the sanitizers"
fi
tcpd_stop
is $? 0 "and it ends in order"

done_testing
