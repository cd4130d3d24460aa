#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# states.sh - one connection in each of the eleven states, all at once, as
# `tcpctl ss -a` and `tcpctl fsm` show them.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'service daytime { listen = ":13" kind = daytime }'
app_start
is "$(app listen l "$stack_at:5000")" "listen l ok" "LISTEN: an app listens"
is "$(app socket c)" "socket c ok" "CLOSED: and has a socket that does nothing"
app start s "$away_at:9" >/dev/null # nobody there: SYN-SENT

# each peer does its part of the handshake and of the close, then falls silent
hold='sleep 20000'
raw synrcvd -s "$away_at:4001" -d "$stack_at:13" <<-END
	send S mss=1460
	wait SA
	$hold
END
raw estab -s "$away_at:4002" -d "$stack_at:5000" <<-END
	send S mss=1460
	wait SA
	send A
	$hold
END
is "$(app accept a l)" "accept a ok" "ESTABLISHED: accepted"
raw finwait1 -s "$away_at:4003" -d "$stack_at:13" <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	$hold
END
raw finwait2 -s "$away_at:4004" -d "$stack_at:13" <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send A
	$hold
END
raw closing -s "$away_at:4005" -d "$stack_at:13" <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send FA ack=-1
	$hold
END
raw timewait -s "$away_at:4006" -d "$stack_at:13" <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send FA
	wait A
	$hold
END
raw closewait -s "$away_at:4007" -d "$stack_at:5000" <<-END
	send S mss=1460
	wait SA
	send A
	send FA
	$hold
END
is "$(app accept b l)" "accept b ok" "CLOSE-WAIT: accepted"
is "$(app drain b)" "drain b 0 eof" "CLOSE-WAIT: end of file, kept open"
raw lastack -s "$away_at:4008" -d "$stack_at:5000" <<-END
	send S mss=1460
	wait SA
	send A
	send FA
	$hold
END
is "$(app accept d l)" "accept d ok" "LAST-ACK: accepted"
app drain d >/dev/null
app close d >/dev/null
# the same two, of an app that has shut down and read all, and keeps its fds
raw closing2 -s "$away_at:4009" -d "$stack_at:5000" <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send FA ack=-1
	$hold
END
is "$(app accept e l)" "accept e ok" "CLOSING: accepted"
app shutdown e >/dev/null
is "$(app drain e)" "drain e 0 eof" "CLOSING: end of file, kept open"
raw lastack2 -s "$away_at:4010" -d "$stack_at:5000" <<-END
	send S mss=1460
	wait SA
	send A
	send FA
	$hold
END
is "$(app accept f l)" "accept f ok" "LAST-ACK: accepted"
is "$(app drain f)" "drain f 0 eof" "LAST-ACK: end of file, kept open"
app shutdown f >/dev/null

# <state> <port of its peer, or a jq condition>
in_state() {
	case $2 in
	[0-9]*) cond=".peer == \"$away_at:$2\"" ;;
	*) cond=$2 ;;
	esac
	wait_for "[ -n \"\$(ss_json '.[] | select(.state == \"$1\" and ($cond))')\" ]" 3
	is "$(ss_json "[.[] | select($cond) | .state] | unique | join(\" \")")" \
		"$1" "$1 is shown"
}
in_state CLOSED '.state == "CLOSED"'
in_state LISTEN '.local == "'"$stack_at"':5000" and .peer == "*:*"'
in_state SYN-SENT 9
in_state SYN-RECEIVED 4001
in_state ESTABLISHED 4002
in_state FIN-WAIT-1 4003
in_state FIN-WAIT-2 4004
in_state CLOSING 4005
in_state TIME-WAIT 4006
in_state CLOSE-WAIT 4007
in_state LAST-ACK 4008
in_state CLOSING 4009
in_state LAST-ACK 4010

is "$(ss_json '[.[] | select(.local == "'"$stack_at"':5000" and .peer == "*:*")
	| .comm] | first')" app "the listener's process has its name"
is "$(ss_json '[.[].id] | length == (unique | length)')" true \
	"every row has an id of its own"
is "$(tcpctl --json ss state time-wait | jq -r '.[].state')" TIME-WAIT \
	"a filter by state gives just that"
is "$(tcpctl --json ss -a 'dport = 4005' | jq -r '.[].state')" CLOSING \
	"a filter by port as well"

tcpctl fsm >"$tmp/fsm"
for s in CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 \
	CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT; do
	grep -q "$s" "$tmp/fsm" || echo "$s"
done >"$tmp/missing"
is "$(cat "$tmp/missing")" "" "fsm draws all eleven states"
ok "fsm prints JSON that can be read" sh -c \
	"'$BUILD/tcpctl' --json fsm | jq -e 'length > 0'"

done_testing
