#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# time_wait_ports.sh - what a program hears whose port a TIME-WAIT entry has:
# the same port to the same peer, no ephemeral port left, a bind; at once.  With
# time stamps the same four numbers are his again after a second.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'ports = 40000-40001'
for port in 9 10; do
	bg "peer$port" in_ns socat "TCP$FAMILY-LISTEN:$port,bind=$host_at,fork,reuseaddr" \
		SYSTEM:cat
	wait_for "in_ns ss -Hltn sport = $port | grep -qF $host_at:$port" 5
done
app_start
in_ns sysctl -qw net.ipv4.tcp_timestamps=0

# two connections that tcpd's side closes first
for x in a b; do
	is "$(app connect $x "$host_at:9")" "connect $x ok" "a connect"
	is "$(app shutdown $x) $(app drain $x) $(app close $x)" \
		"shutdown $x ok drain $x 0 eof close $x ok" "and a close"
done
ports() { ss_json '[.[] | select(.state == "TIME-WAIT") | .local] | sort | join(" ")'; }
is "$(ports)" "$stack_at:40000 $stack_at:40001" "all ports are in TIME-WAIT"
is "$(app connect c "$host_at:9")" "connect c EADDRNOTAVAIL" \
	"a connect has no port left"
is "$(app connect d "$host_at:9")" "connect d EADDRNOTAVAIL" "nor has the next"
is "$(app connect e "$host_at:10")" "connect e ok" "but towards another port"
app abort e >/dev/null
is "$(app bind f "$stack_at:40000")" "bind f EADDRINUSE" "a bind is refused"
is "$(app bind g "$stack_at:40000" reuse)" "bind g EADDRINUSE" \
	"with SO_REUSEADDR too, which the connection had not"
is "$(app listen l "$stack_at:40001")" "listen l EADDRINUSE" \
	"so is a listener"
tcpctl abort "$(ss_json '.[] | select(.state == "TIME-WAIT") | .id' |
	head -n 1)" >/dev/null
is "$(app connect h "$host_at:9")" "connect h ok" \
	"as soon as an entry has ended, a connect has a port"
app abort h >/dev/null

is "$(app bind i "$stack_at:40009" reuse)" "bind i ok" "a port of its own"
is "$(app connect i "$host_at:9")" "connect i ok" "and a connect"
is "$(app shutdown i) $(app drain i) $(app close i)" \
	"shutdown i ok drain i 0 eof close i ok" "and a close"
is "$(app bind j "$stack_at:40009" reuse)" "bind j ok" \
	"with SO_REUSEADDR on both the port may be bound in TIME-WAIT"
is "$(app connect j "$host_at:9")" "connect j EADDRNOTAVAIL" \
	"but not for the same four numbers, where there are no time stamps"

in_ns sysctl -qw net.ipv4.tcp_timestamps=1
is "$(app connect k "$host_at:10")" "connect k ok" "with time stamps, a connect"
is "$(app shutdown k) $(app drain k) $(app close k)" \
	"shutdown k ok drain k 0 eof close k ok" "and a close"
local=$(ss_json '.[] | select(.state == "TIME-WAIT" and
	.peer == "'"$host_at"':10") | .local')
is "$(app connect m "$host_at:10")" "connect m ok" "the other port is free"
again() { app connect n "$host_at:10" | grep -q ok; }
ok "and a second later there is one more" wait_for again 5
is "$(ss_json "[.[] | select(.local == \"$local\" and .peer == \"$host_at:10\" and .state != \"CLOSED\")
	| .state] | join(\" \")")" ESTABLISHED \
	"the four numbers of the entry"
is "$(stat_json .time_wait.reused)" 1 "it is counted"

done_testing
