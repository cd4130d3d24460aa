#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# page.sh - curl and wrk fetch the status page; a closed port refuses.
#
#   [ kernel: curl, wrk ]---- tcpd0 10.77.0.1 ---- 10.77.0.2 [ tcpd ]
. "$(dirname "$0")/lib.sh"

curls=${FULL:+2000}
curls=${curls:-300}
seconds=${FULL:+10}
seconds=${seconds:-3}
url=http://$stack_at

tcpd_start -o 'service web { listen = ":80" kind = http }'

is "$(in_ns curl -g -s -o "$tmp/page" -w '%{http_code}' "$url/")" 200 \
	"the page is there"
ok "it says what is running" grep -qi tcpd "$tmp/page"

is "$(in_ns curl -gs -o /dev/null -w '%{http_code}' 'http://[fd77::2]/')" 200 \
	"and over IPv6"

in_ns curl -g -s --max-time 5 -o /dev/null -w '%{time_total}' "$url:1234/" \
	>"$tmp/time"
is "$?" 7 "a closed port is refused"
between "$(cat "$tmp/time")" 0 0.5 "at once, not timed out"
is "$(stat_json .resets.sent.no_listener)" 1 \
	"and the one RST is counted under its cause"

bad=0
i=0
while [ $i -lt "$curls" ]; do
	in_ns curl -g -sf --max-time 10 -o /dev/null "$url/" || bad=$((bad + 1))
	i=$((i + 1))
done
is $bad 0 "$curls curls one after the other"

in_ns wrk -t1 -c8 -d "$seconds" -H 'Connection: close' "$url/" \
	>"$tmp/wrk" 2>&1
no "wrk, 8 connections, closed after each request: no error" \
	grep -E 'Socket errors|Non-2xx' "$tmp/wrk"
between "$(awk '/requests in/ { print $1 }' "$tmp/wrk")" 100 1e9 \
	"and it had pages ($(awk '/^Requests\/sec/ { print $2 }' "$tmp/wrk")/s)"
is "$(ss_json '[.[] | select(.state == "ESTABLISHED")] | length')" 0 \
	"no connection is left behind"
# a peer that gets no CPU for two milliseconds is probed (RFC 8985, 7)
is "$(stat_json '.segments.retransmitted - .timeouts.tlp')" 0 \
	"nothing was sent twice but probes of a tail"

done_testing
