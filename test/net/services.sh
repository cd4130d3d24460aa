#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# services.sh - the built-in services do what their RFCs say, the status page
# keeps to HTTP.
. "$(dirname "$0")/lib.sh"

tcpd_start -o 'service web { listen = ":80" kind = http }' \
	-o 'service echo { listen = {"10.77.0.2:7", "[fd77::2]:7"} kind = echo }' \
	-o 'service discard { listen = ":9" kind = discard }' \
	-o 'service chargen { listen = ":19" kind = chargen }' \
	-o 'service daytime { listen = ":13" kind = daytime }'

tcp() { in_ns timeout 20 socat -t 5 "$@"; }

# --- discard: nothing comes back, and nothing is copied on the way in
head -c 4000000 /dev/urandom >"$tmp/data"
is "$(tcp - "TCP:$stack_at:9" <"$tmp/data" | wc -c)" 0 "discard answers nothing"
is "$(stat_json .octets.received)" 4000000 "and took all of it"
is "$(stat_json .octets.copied)" 0 "without copying an octet inside the stack"

# --- daytime: one line, and the server closes first
tcp -u "TCP:$stack_at:13" "OPEN:$tmp/line,creat" </dev/null
ok "daytime sends a line of RFC 867" grep -qE \
	'^[A-Z][a-z]+day, [A-Z][a-z]+ [0-9]{2}, 20[0-9]{2} [0-9:]{8}-UTC.$' "$tmp/line"
is "$(wc -l <"$tmp/line")" 1 "one only"
is "$(tcpctl --json ss state time-wait | jq length)" 1 \
	"and TIME-WAIT is on its side"

# --- chargen: the ring of 95 characters, in lines of 72
awk 'BEGIN { for (i = 32; i < 127; i++) ring = ring sprintf("%c", i)
	ring = ring ring
	for (l = 0; l < 2000; l++) printf "%s\r\n", substr(ring, l % 95 + 1, 72) }' \
	>"$tmp/want"
tcp -u "TCP:$stack_at:19" - 2>/dev/null | head -c 148000 >"$tmp/got"
ok "chargen sends the lines of RFC 864" cmp "$tmp/want" "$tmp/got"
wait_for '[ "$(tcpctl --json ss sport = 19 | jq length)" = 0 ]' 5
is $? 0 "and ends with its reader"

# --- echo, both families, half closed by the client
is "$(tcp - TCP:10.77.0.2:7 <"$tmp/data" | sha256sum)" \
	"$(sha256sum <"$tmp/data")" "echo over IPv4, the client shuts down first"
is "$(tcp - 'TCP6:[fd77::2]:7' <"$tmp/data" | sha256sum)" \
	"$(sha256sum <"$tmp/data")" "echo over IPv6"

# --- http
web() { in_ns curl -g -s --max-time 10 "$@"; }
url=http://$stack_at
web -D "$tmp/head" -o "$tmp/page" "$url/"
between "$(wc -c <"$tmp/head")" 50 499 "the head of the page is short"
is "$(tr -d '\r' <"$tmp/head" | awk '/^Content-Length/ { print $2 }')" \
	"$(wc -c <"$tmp/page")" "its Content-Length is true"
ok "the page has the addresses" grep -qF "$stack/" "$tmp/page"
ok "and this very connection" grep -qF "<td>$stack_at:80<td>$host_at:" "$tmp/page"
no "and nothing from elsewhere" grep -qE 'src=|href=|url\(|<script' "$tmp/page"
is "$(web -I -o /dev/null -w '%{http_code} %{size_download}' "$url/")" "200 0" \
	"HEAD has no body"
is "$(web -o /dev/null -w '%{http_code}' "$url/nothing")" 404 "an unknown path is 404"
is "$(web -o /dev/null -w '%{http_code}' -X DELETE "$url/")" 405 "DELETE is 405"
is "$(web -o /dev/null -w '%{http_code}' --data-binary "@$tmp/data" "$url/")" 405 \
	"POST too, however long its body"
is "$(web -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/" "$url/")" "1 0 " \
	"the second request goes over the same connection"
is "$(web -o /dev/null -D - -H 'Connection: close' "$url/" | grep -ci '^connection: close')" \
	1 "Connection: close is honoured"
is "$(web -g -o /dev/null -w '%{http_code}' 'http://[fd77::2]/')" 200 \
	"the page is there over IPv6"

# --- a reload that cannot have a listener leaves all of them as they were
echo 'service more { listen = {":81", "'"$stack_at"':80"} kind = echo backlog = 5 }' \
	>"$conf"
before=$(tcpctl ss -l)
no "a listener over another one is refused" tcpctl reload
is "$(tcpctl ss -l)" "$before" "and what listened before still does"
echo 'service more { listen = ":81" kind = echo }' >"$conf"
ok "another port is fine" tcpctl reload
echo 'service other { listen = ":81" kind = http }' >"$conf"
ok "it can go to a service of another kind" tcpctl reload
is "$(web -o /dev/null -w '%{http_code}' "$url:81/")" 200 "which then answers there"

# --- a stop closes what the services hold
in_ns "$BUILD/test/net/duplex" "$stack" 7 </dev/zero >/dev/null 2>&1 &
pids="$pids $!"
wait_for 'tcpctl ss sport = 7 | grep -q ESTABLISHED' 5
tcpctl stop >/dev/null
wait_for tcpd_gone 5
is $? 0 "tcpctl stop ends tcpd"
rc=0
wait "$tcpd_pid" || rc=$?
is $rc 0 "with exit code 0"
tcpd_pid=

done_testing
