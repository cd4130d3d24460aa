#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# time_wait_ports.sh - what a program hears whose port a TIME-WAIT entry has:
# the same port to the same peer, no ephemeral port left, a bind; at once.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'ports = 40000-40001'
for port in 9 10; do
	bg "peer$port" in_ns socat "TCP-LISTEN:$port,bind=10.77.0.1,fork,reuseaddr" \
		SYSTEM:cat
	wait_for "in_ns ss -Hltn sport = $port | grep -q 10.77.0.1:$port" 5
done
app_start

# two connections that tcpd's side closes first
for x in a b; do
	is "$(app connect $x 10.77.0.1:9)" "connect $x ok" "a connect"
	is "$(app shutdown $x) $(app drain $x) $(app close $x)" \
		"shutdown $x ok drain $x 0 eof close $x ok" "and a close"
done
ports() { ss_json '[.[] | select(.state == "TIME-WAIT") | .local] | sort | join(" ")'; }
is "$(ports)" "10.77.0.2:40000 10.77.0.2:40001" "all ports are in TIME-WAIT"
is "$(app connect c 10.77.0.1:9)" "connect c EADDRNOTAVAIL" \
	"a connect has no port left"
is "$(app connect d 10.77.0.1:9)" "connect d EADDRNOTAVAIL" "nor has the next"
is "$(app connect e 10.77.0.1:10)" "connect e ok" "but towards another port"
app abort e >/dev/null
is "$(app bind f 10.77.0.2:40000)" "bind f EADDRINUSE" "a bind is refused"
is "$(app bind g 10.77.0.2:40000 reuse)" "bind g ok" "with SO_REUSEADDR it is not"
is "$(app connect g 10.77.0.1:9)" "connect g EADDRINUSE" \
	"but the connect that would collide is"
is "$(app listen l 10.77.0.2:40001)" "listen l EADDRINUSE" \
	"a listener needs SO_REUSEADDR, too"
app close g >/dev/null
tcpctl abort "$(ss_json '.[] | select(.state == "TIME-WAIT") | .id' |
	head -n 1)" >/dev/null
is "$(app connect h 10.77.0.1:9)" "connect h ok" \
	"as soon as an entry has ended, a connect has a port"

done_testing
