#!/bin/sh
# SPDX-License-Identifier: MIT
# capture_faults.sh - a capture that cannot be written ends in one message, and
# nothing else: tcpd serves on, and its end waits for nobody.
. "$(dirname "$0")/lib.sh"

start() { # <file>: tcpd that captures into it
	: >"$tmp/tcpd.log"
	tcpd_start -o "capture = \"$1\"" \
		-o 'service web { listen = ":80" kind = http }' \
		-o 'service discard { listen = ":9" kind = discard }'
}
page() { in_ns curl -sf -m 5 -o /dev/null http://10.77.0.2/; }
bulk() { in_ns "$BUILD/test/bench/bulk" into 10.77.0.2 9 1 0.2; }
said() { grep -c "$1" "$tmp/tcpd.log"; }
fds() { find "/proc/$tcpd_pid/fd" -type l | wc -l; }
ms() { echo $(($(date +%s%N) / 1000000)); }

# --- a disk that is full
start /dev/full
ok "full disk: the page is there" page
ok "full disk: it is said" wait_for '[ "$(said "No space left")" = 1 ]' 5
before=$(fds)
ok "full disk: bulk data go through" bulk
ok "full disk: the page is there afterwards" page
is "$(said 'No space left')" 1 "full disk: it was said once"
is "$(fds)" "$before" "full disk: no descriptor is left"
tcpd_stop
is $? 0 "full disk: tcpd ends in order"

# --- a FIFO that nobody ever opens
mkfifo "$tmp/fifo"
start "$tmp/fifo"
ok "FIFO without a reader: the page is there" page
ok "FIFO without a reader: bulk data go through" bulk
ok "FIFO without a reader: the page is there afterwards" page
begin=$(ms)
tcpd_stop
is $? 0 "FIFO without a reader: tcpd ends in order"
between $(($(ms) - begin)) 0 2500 "and does not wait for one"
ok "what was lost is counted" \
	grep -qE 'capture: ended; [0-9]+ packets, [1-9][0-9]* lost' \
	"$tmp/tcpd.log"

# --- a reader that goes
cat "$tmp/fifo" >"$tmp/part" &
reader=$!
pids="$pids $reader"
start "$tmp/fifo"
ok "a reader that goes: the page is there" page
wait_for '[ "$(wc -c <"$tmp/part")" -gt 2000 ]' 5
kill $reader
wait $reader 2>/dev/null
ok "a reader that goes: it is said" \
	wait_for 'page && [ "$(said "ended by its reader")" = 1 ]' 5
ok "a reader that goes: the page is there afterwards" page
ok "what it got until then is a capture" sh -c \
	"tshark -r '$tmp/part' 2>/dev/null | grep -q SYN"
tcpd_stop

# --- over ctl.sock
tcpd_start -o 'service web { listen = ":80" kind = http }'
before=$(fds)
i=0
while [ $i -lt 20 ]; do
	"$BUILD/tcpctl" -s "$run/ctl.sock" capture "$tmp/c.pcapng" \
		>/dev/null 2>&1 &
	capture=$!
	wait_for "[ \$(fds) -gt $before ]" 5
	kill -9 $capture
	wait $capture 2>/dev/null
	i=$((i + 1))
done
ok "tcpctl killed twenty times: no descriptor is left" \
	wait_for "[ \$(fds) -le $before ]" 5
ok "and the page is there" page
tcpd_stop

# --- a file that cannot be made
rc=0
in_ns "$BUILD/tcpd" -f "$conf" -o "user = nobody run-dir = \"$tmp/run2\"" \
	-o "capture = \"$tmp/no/such/file\"" 2>"$tmp/err" || rc=$?
is "$rc $(wc -l <"$tmp/err")" "1 1" "a file that cannot be made: one line"
ok "which names it" grep -q "capture: cannot open $tmp/no/such/file: No such" \
	"$tmp/err"

done_testing
