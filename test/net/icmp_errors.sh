#!/bin/sh
# SPDX-License-Identifier: MIT
# icmp_errors.sh - ICMP errors as apps see them, over IPv4 and IPv6: real ones
# of the kernel's with the right errno, forged ones not at all.
. "$(dirname "$0")/lib.sh"

reject() { # <4|6> <port> <type>
	local icmp=icmp
	[ "$1" = 4 ] || icmp=icmpv6
	in_ns nft -f - <<-END
		table inet fault {
			chain in {
				type filter hook input priority 0
				meta nfproto ipv$1 tcp dport $2 reject with $icmp type $3
			}
		}
	END
}
lose() { # <port>
	in_ns nft -f - <<-END
		table inet fault {
			chain in {
				type filter hook input priority 0
				tcp dport $1 drop
			}
		}
	END
}
heal() { in_ns nft delete table inet fault; }
conn() { ss_json ".[] | select(.peer | endswith(\":$port\")) | .$1"; }
of_conn() { tcpctl --json show "$(conn id)" | jq -r ".$1"; }
error_is() { [ "$(app error x)" = "error x $1" ]; }

# A connection to a listener of the kernel's: x.
established() { # <4|6> <address>
	bg sink ip netns exec "$ns" socat -u "TCP$1-LISTEN:$port,reuseaddr" \
		OPEN:/dev/null
	wait_for "in_ns ss -Hltn sport = :$port | grep -q ." 5
	is "$(app connect x "$2:$port")" "connect x ok" "IPv$1: connected"
	app write x 10 >/dev/null
	# shellcheck disable=SC2016 # wait_for evaluates it
	wait_for '[ "$(conn send_q)" = 0 ]' 5
}

soft() { # <4|6> <type> <errno>
	reject "$1" "$port" "$2"
	app write x 1000 >/dev/null
	# shellcheck disable=SC2016
	wait_for "error_is $3" 5
	is $? 0 "IPv$1: $2 reads as $3"
	is "$(app error x)" "error x none" "IPv$1: once"
	heal
	# shellcheck disable=SC2016
	ok "IPv$1: and the connection goes on" \
		wait_for '[ "$(conn send_q)" = 0 ]' 20
	is "$(conn state)" ESTABLISHED "IPv$1: as it was"
	# a soft error is forgotten when something is acknowledged
	app error x >/dev/null
}

forged() { # <4|6> <router> <type> <code> <errno of a true one>
	local us=10.77.0.2 strays una nxt lport seq
	[ "$1" = 4 ] || us=fd77::2
	strays=$(stat_json .drops.icmp_stray)
	lose "$port"
	app write x 1000 >/dev/null
	una=$(of_conn snd_una)
	nxt=$(of_conn snd_nxt)
	lport=$(conn local)
	lport=${lport##*:}
	for seq in $((una - 1)) "$nxt" $((nxt + 100000)) $((una - 100000)); do
		in_ns "$BUILD/test/net/pieces" "$1" near tcpd0 "$2" $us forge \
			"$3" "$4" "$lport" "$port" $(((seq + 4294967296) % 4294967296))
	done
	# shellcheck disable=SC2016
	ok "IPv$1: four forged errors are counted" wait_for \
		"[ \"\$(stat_json .drops.icmp_stray)\" = $((strays + 4)) ]" 5
	is "$(app error x)" "error x none" "IPv$1: and change nothing"
	is "$(conn state)" ESTABLISHED "IPv$1: the connection is as it was"
	in_ns "$BUILD/test/net/pieces" "$1" near tcpd0 "$2" $us forge \
		"$3" "$4" "$lport" "$port" "$una"
	# shellcheck disable=SC2016
	ok "IPv$1: one about an octet in flight is believed" \
		wait_for "error_is $5" 5
	is "$(conn state)" ESTABLISHED "IPv$1: and ends nothing"
	heal
}

tcpd_start
app_start

# --- before it is open a hard error ends it, at once
reject 4 1001 port-unreachable
is "$(app connect p 10.77.0.1:1001)" "connect p ECONNREFUSED" \
	"IPv4: port unreachable refuses"
heal
reject 6 1001 port-unreachable
is "$(app connect q "[fd77::1]:1001")" "connect q ECONNREFUSED" \
	"IPv6: port unreachable refuses"
heal
is "$(stat_json '[.resets.received[]] | add')" 0 "no reset did it"

# --- once it is open all are soft
port=9004
established 4 10.77.0.1
soft 4 host-unreachable EHOSTUNREACH
soft 4 net-unreachable ENETUNREACH
soft 4 port-unreachable ECONNREFUSED
forged 4 10.77.0.1 3 3 ECONNREFUSED
app close x >/dev/null
port=9006
established 6 "[fd77::1]"
soft 6 addr-unreachable EHOSTUNREACH
soft 6 no-route ENETUNREACH
soft 6 port-unreachable ECONNREFUSED
forged 6 fd77::1 1 3 EHOSTUNREACH
app close x >/dev/null
tcpd_stop
exec 9>&-

# --- an open that nobody answers fails with what was heard on the way: the
# tries take four minutes of protocol time
rm "$tmp/app.in"
tcpd_start -o 'time-scale = 100'
in_ns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
	net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
in_ns ip route add unreachable 10.98.0.0/16
in_ns ip -6 route add unreachable fd98::/64
app_start
is "$(app connect a 10.98.0.1:80)" "connect a EHOSTUNREACH" \
	"IPv4: a host that cannot be reached"
reject 4 1002 net-unreachable
is "$(app connect b 10.77.0.1:1002)" "connect b ENETUNREACH" \
	"IPv4: a network that cannot be reached"
heal
is "$(app connect c "[fd98::1]:80")" "connect c ENETUNREACH" \
	"IPv6: no route"
tcpd_stop

done_testing
