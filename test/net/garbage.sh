#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ASAN
# garbage.sh - what is no request closes the client that sent it, nobody else,
# and loses no fd.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'service web { listen = ":80" kind = http }'
app_start
is "$(app listen l "$stack_at:5000")" "listen l ok" "an honest app listens"

fds() { find "/proc/$tcpd_pid/fd" -mindepth 1 -printf '%f %l\n' | sort -n; }
nfds() { find "/proc/$tcpd_pid/fd" -mindepth 1 | wc -l; }
sock() { socat -t 1 -T 3 - "UNIX-CONNECT:$run/ctl.sock" 2>/dev/null; }

# the first of each kind may open something that stays
ok "app.sock: a round of garbage" "$BUILD/test/net/garbage" "$run/app.sock"
tcpctl version >/dev/null
in_ns curl -g -s -o /dev/null "http://$stack_at/"
before=$(nfds)
fds >"$tmp/fds"

ok "app.sock: garbage of every kind, each client closed or refused" \
	"$BUILD/test/net/garbage" "$run/app.sock"

is "$(echo nonsense | sock | cut -c1-7)" "error: " \
	"ctl.sock: an unknown command is refused in words"
is "$(echo '--json nonsense' | sock | jq -r 'keys[0]')" error \
	"ctl.sock: and in JSON where that was asked for"
head -c 1048576 /dev/zero | tr '\0' a | sock >"$tmp/out"
ok "ctl.sock: a line without end is refused" test "$(wc -c <"$tmp/out")" -lt 4096
head -c 4096 /dev/urandom | sock >/dev/null
printf 'ss' | sock >/dev/null
printf 'ss\0--json\n' | sock >/dev/null
i=0
while [ $i -lt 100 ]; do
	socat -u OPEN:/dev/null "UNIX-CONNECT:$run/ctl.sock" 2>/dev/null
	i=$((i + 1))
done

ok "tcpd still answers" tcpctl version
is "$(app socket c)" "socket c ok" "the honest app is served"
is "$(app close c)" "close c ok" "as before"
is "$(in_ns curl -g -s -o /dev/null -w '%{http_code}' "http://$stack_at/")" 200 \
	"the page is there"
wait_for "[ \$(nfds) -le $before ]" 5
is "$(nfds)" "$before" "no fd is lost" || diag "$(fds | diff "$tmp/fds" -)"

done_testing
