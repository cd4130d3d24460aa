#!/bin/sh
# SPDX-License-Identifier: MIT
# ASAN
# ctl.sh - ctl.sock and tcpctl: who may do what, refusals, events, limits.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'service web { listen = ":80" kind = http }' \
	-o 'service echo { listen = ":7" kind = echo }'
ctl() { socat -t 5 - "UNIX-CONNECT:$run/ctl.sock" 2>/dev/null; }
nfds() { find "/proc/$tcpd_pid/fd" -mindepth 1 | wc -l; }
# as somebody else: the socket is opened up for it
other() { setpriv --reuid=12345 --regid=12345 --clear-groups "$@"; }

# --- one command a connection, by hand
is "$(echo version | ctl)" "tcpd $(tcpctl version | cut -d' ' -f2)" \
	"a command by hand"
is "$(printf version | ctl)" "$(tcpctl version)" "its newline may be missing"
is "$(printf 'version\nversion\n' | ctl | wc -l)" 1 "one command a connection"
is "$(echo 'ss --json' | ctl | jq length)" 0 "--json behind the command"
is "$(echo '--json ss' | ctl | jq length)" 0 "and before it"
is "$(tcpctl ss -al --json | jq length)" 2 "and with other options"
is "$(tcpctl netstat -a)" "$(tcpctl ss -a)" "netstat is ss"
is "$(echo 'show 99' | ctl)" "error: no connection with id 99" \
	"a refusal is one line"
is "$(echo 'show 99 --json' | ctl)" '{"error":"no connection with id 99"}' \
	"or one object"
is "$(echo 'record --json' | ctl)" '{"error":"record: not in this version"}' \
	"a later command is refused by name"
is "$(stat -c '%a %G' "$run/ctl.sock")" "660 nogroup" "ctl.sock is the group's"

# --- exit codes
code() {
	rc=0
	"$@" >"$tmp/out" 2>"$tmp/err" || rc=$?
	echo $rc
}
is "$(code tcpctl show 99) $(cat "$tmp/err")" \
	"1 tcpctl: no connection with id 99" "refused: 1, the words on stderr"
is "$(code tcpctl --json show 99) $(cat "$tmp/err")" \
	"1 tcpctl: no connection with id 99" "the same with --json"
is "$(code tcpctl ss -a 'dport = x') $(cat "$tmp/err")" \
	"2 tcpctl: ss: filter: port x, expected a number from 0 to 65535" "a filter that is none: 2"
is "$(code tcpctl ss -al state listening)" 0 "one that is, behind options: 0"
is "$(code tcpctl capture "$tmp/no.pcapng" dport = x)" 2 "of a capture, too: 2"
is "$(code tcpctl show x) $(cat "$tmp/err")" \
	"2 tcpctl: show: ID x, expected a number below 2^53" "an ID that is none: 2"
is "$(code tcpctl abort 9007199254740992)" 2 "one that cannot be: 2"
is "$(code tcpctl close -- 7)" 2 "and a word in front of it: 2"
is "$(code tcpctl ss -x)" 2 "an unknown option: 2"
is "$(code tcpctl show)" 2 "a missing word: 2"
is "$(code tcpctl top)" 2 "a later command: 2"
is "$(code "$BUILD/tcpctl" -s "$tmp/no" ss)" 3 "no daemon: 3"
is "$(code tcpctl ss --help)" 0 "--help: 0"
for c in ss show stats fsm events capture abort close reload stop version; do
	[ "$(tcpctl $c --help | wc -l)" -ge 3 ] || echo $c
done >"$tmp/unhelpful"
is "$(cat "$tmp/unhelpful")" "" "--help explains every command"

ok "doc/tcpctl.1 is what the table of commands gives" \
	"$top/scripts/gen-man-ctl" --check "$BUILD"

# --- who may
chmod 777 "$tmp" && chmod 666 "$run/ctl.sock"
is "$(code other "$BUILD/tcpctl" ss)" 0 "another user may look"
for c in 'abort 1' 'close 1' reload stop; do
	# shellcheck disable=SC2086 # words
	is "$(code other "$BUILD/tcpctl" $c) $(cat "$tmp/err")" \
		"1 tcpctl: ${c%% *} needs root or tcpd's user" \
		"but not ${c%% *}"
done
is "$(code setpriv --reuid=nobody --clear-groups "$BUILD/tcpctl" reload)" 0 \
	"tcpd's own user may"
is "$(code other "$BUILD/tcpctl" capture "$run/mine")" 1 \
	"capture writes with the caller's rights"

# --- close and abort by id
listener=$(tcpctl --json ss -l | jq '.[0].id')
tcpctl abort "$listener" 2>"$tmp/listener.err"
is "$?" 1 "a listener is not aborted: nobody would tell its owner"
is "$(grep -c 'is a listener' "$tmp/listener.err")" 1 "and the words say so"
duplex() { in_ns "$BUILD/test/net/duplex" 10.77.0.2 7; }
mkfifo "$tmp/hold"
exec 8<>"$tmp/hold"
new_id() {
	duplex <&8 >"$tmp/duplex" 2>&1 &
	pids="$pids $!"
	wait_for 'tcpctl ss sport = 7 | grep -q ESTABLISHED' 5
	id=$(tcpctl --json ss sport = 7 | jq '.[0].id')
}
new_id
is "$(tcpctl --json show "$id" | jq -r '[.id, .state, .comm, .congestion] | @tsv')" \
	"$(printf '%s\tESTABLISHED\techo\tcubic' "$id")" "show tells what it is"
tcpctl abort "$id" >/dev/null
wait_for '[ "$(stat_json .resets.sent.abort)" = 1 ]' 5
is $? 0 "abort puts one RST on the wire"
is "$(tcpctl --json ss sport = 7 | jq length)" 0 "and the connection is gone"
new_id
tcpctl close "$id" >/dev/null
wait_for '[ "$(tcpctl --json ss state established sport = 7 | jq length)" = 0 ]' 5
is $? 0 "close ends one by FIN"
is "$(tcpctl --json ss sport = 7 | jq -r '.[0] | "\(.id) \(.state)"')" \
	"$id FIN-WAIT-2" "and waits for the peer's"

# --- events
before=$(nfds)
bg live "$BUILD/tcpctl" events -f
live=$pid
bg json "$BUILD/tcpctl" --json events -f
live="$live $pid"
# by hand: one that keeps its side open, one that shuts it down
mkfifo "$tmp/open"
socat - "UNIX-CONNECT:$run/ctl.sock" <"$tmp/open" >"$tmp/open.log" &
live="$live $!"
exec 7>"$tmp/open"
echo 'events -f' >&7
echo 'events -f' | socat -t 60 - "UNIX-CONNECT:$run/ctl.sock" >"$tmp/shut.log" &
live="$live $!"
pids="$pids $live"
wait_for "[ \$(nfds) -ge $((before + 4)) ]" 5
tcpctl reload >/dev/null
wait_for 'for l in live open shut json; do
	grep -q reload "$tmp/$l.log" || exit 1; done' 5
in_ns curl -s -o /dev/null http://10.77.0.2:1234/
in_ns curl -s -o /dev/null http://10.77.0.2/
to_1234=' conn=- 10\.77\.0\.1:[0-9]+>10\.77\.0\.2:1234 RST sent cause=no_listener$'
for l in live open shut; do
	wait_for "grep -q FIN-WAIT-1 '$tmp/$l.log'" 5
	is "$(grep -c 'LISTEN -> SYN-RECEIVED on=RCV SYN' "$tmp/$l.log")" 1 \
		"events -f shows what happens ($l)"
	ok "and a reset with its cause ($l)" grep -qE "$to_1234" "$tmp/$l.log"
	ok "and a reload ($l)" grep -qE '^[0-9]+\.[0-9]{6} reload by uid 0$' \
		"$tmp/$l.log"
done
is "$(jq -r 'select(.to == "SYN-RECEIVED") | .local' "$tmp/json.log")" \
	10.77.0.2:80 "with --json one object a line"
is "$(jq -r 'select(.rst) | "\(.rst) \(.cause) \(.id) \(.left_out)"' \
	"$tmp/json.log")" "sent no_listener null 0" "also a reset"
ok "times have six decimals at most" sh -c \
	"'$BUILD/tcpctl' --json events | grep -q '\"at\":[0-9]*\.[0-9]*[,}]' &&
	! '$BUILD/tcpctl' --json events | grep '\"at\":[0-9]*\.[0-9]\{7\}'"
ok "events tells of the past" sh -c \
	"'$BUILD/tcpctl' --json events | jq -e 'map(.to) | index(\"FIN-WAIT-2\")'"

exec 7>&-
# shellcheck disable=SC2086 # pids
kill $live
wait_for "[ \$(nfds) -le $before ]" 5
is "$(nfds)" "$before" "their fds come back, also that of the one half closed"

# --- one that never reads loses lines, and is told; nobody else waits
ctlpeer() { "$BUILD/test/net/ctlpeer" "$1" "$run/ctl.sock" "${2:-}"; }
mkfifo "$tmp/deaf" "$tmp/held"
"$BUILD/test/net/ctlpeer" deaf "$run/ctl.sock" 'events -f' <"$tmp/deaf" \
	>"$tmp/deaf.log" &
deaf=$!
pids="$pids $deaf"
exec 7>"$tmp/deaf"
events() { stat_json .opens.passive; }
# shellcheck disable=SC2034 # in a condition
want=$(($(events) + 4000)) # at five lines of 90 octets or so each
wait_for 'in_ns wrk -t1 -c8 -d 1s -H "Connection: close" http://10.77.0.2/ \
	>/dev/null; [ "$(events)" -ge $want ]' 60
between "$(awk '/^VmRSS/ { print $2 }' "/proc/$tcpd_pid/status")" 1000 400000 \
	"a reader of events that does not read costs no memory"
exec 7>&-
wait $deaf
ok "it is told how much it lost" grep -qE '^lost [1-9][0-9]* lines$' \
	"$tmp/deaf.log"
ok "and what it has are whole lines" sh -c \
	"! sed '\$d' '$tmp/deaf.log' | grep -vE '^([0-9.]+ conn=[0-9]+ .* on=[A-Z ,0-9]+|lost [0-9]+ lines)\$'"

# --- limits: 64 clients a user, then a word; all come free again
other "$BUILD/test/net/ctlpeer" hold "$run/ctl.sock" 64 <"$tmp/held" \
	>"$tmp/hold.log" 2>&1 &
pids="$pids $!"
exec 7>"$tmp/held"
wait_for 'grep -q held "$tmp/hold.log"' 5
is "$(code other "$BUILD/tcpctl" version) $(cat "$tmp/err")" \
	"1 tcpctl: too many clients of this user" \
	"the 65th client of a user is refused in words"
ok "another user is served" tcpctl version
wait_for "[ \$(nfds) -le $before ]" 20
is $? 0 "silent clients are sent away after a while, their fds come back"
exec 7>&-

# --- what no tcpctl would do
is "$(ctlpeer fds </dev/null)" "$(tcpctl version)" \
	"253 fds beside a request do no harm"
ok "400 clients that hang up in every way" ctlpeer hangup 100
wait_for "[ \$(nfds) -le $before ]" 20
is "$(nfds)" "$before" "no fd is lost"
is "$(stat_json .captures.running)" 0 "and no capture goes on"

# --- no fd is left: new clients are sent away, tcpd does not spin
tcpd_stop
# shellcheck disable=SC3045 # dash and bash have it
ulimit -n 40
tcpd_start
before=$(nfds)
ticks() { awk '{ print $14 + $15 }' "/proc/$tcpd_pid/stat"; }
t=$(ticks)
i=0
while [ $i -lt 5 ]; do
	(sleep 0.3; echo) | "$BUILD/test/net/ctlpeer" hold "$run/ctl.sock" 32 \
		>/dev/null
	i=$((i + 1))
done
between $(($(ticks) - t)) 0 30 "without fds it does not spin"
ok "and says so" grep -q 'no file descriptor left' "$tmp/tcpd.log"
wait_for 'tcpctl version >/dev/null 2>&1' 5
is $? 0 "it serves again when there are some"
wait_for "[ \$(nfds) -le $before ]" 5
is "$(nfds)" "$before" "none was lost"

done_testing
