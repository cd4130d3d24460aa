#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# forward.sh - connections that go on to a server of the host: streams whole,
# ends as they are, the client's address in front when asked for.
. "$(dirname "$0")/lib.sh"

chmod 777 "$tmp"
bg tcp in_ns socat TCP-LISTEN:8080,bind=127.0.0.1,fork,reuseaddr EXEC:cat
bg unix in_ns socat "UNIX-LISTEN:$tmp/u.sock,fork,mode=666" EXEC:cat
bg count in_ns socat TCP-LISTEN:8081,bind=127.0.0.1,fork,reuseaddr 'SYSTEM:wc -c'
bg bye in_ns socat TCP-LISTEN:8082,bind=127.0.0.1,fork,reuseaddr 'SYSTEM:echo bye'
bg head in_ns socat -u TCP-LISTEN:8083,bind=127.0.0.1,fork,reuseaddr \
	"OPEN:$tmp/heads,creat,append"
# takes the connection and reads nothing
bg deaf in_ns socat -T 60 TCP-LISTEN:8084,bind=127.0.0.1,fork,reuseaddr \
	'SYSTEM:exec sleep 60'
# shellcheck disable=SC2317 # in a condition
listens() { in_ns ss -Hltn "sport = $1" | grep -q .; }
wait_for 'listens 8080 && listens 8081 && listens 8082 && listens 8083 &&
	listens 8084 && [ -S "$tmp/u.sock" ]' 10

tcpd_start -o 'service t { listen = ":1" kind = forward to = "tcp:127.0.0.1:8080" }' \
	-o "service u { listen = \":2\" kind = forward to = \"unix:$tmp/u.sock\" }" \
	-o 'service count { listen = ":3" kind = forward to = "tcp:127.0.0.1:8081" }' \
	-o 'service bye { listen = ":4" kind = forward to = "tcp:127.0.0.1:8082" }' \
	-o 'service head { listen = ":5" kind = forward proxy-protocol = v2
		to = "tcp:127.0.0.1:8083" }' \
	-o 'service deaf { listen = ":6" kind = forward to = "tcp:127.0.0.1:8084" }' \
	-o 'service gone { listen = ":8" kind = forward to = "tcp:127.0.0.1:9999" }' \
	-o "service none { listen = \":9\" kind = forward to = \"unix:$tmp/none\" }"

duplex() { in_ns timeout 60 "$BUILD/test/net/duplex" "$@"; }
nfds() { find "/proc/$tcpd_pid/fd" -mindepth 1 | wc -l; }

head -c 20000000 /dev/urandom >"$tmp/data"
sum=$(sha256sum <"$tmp/data")
tcpctl ss >/dev/null
before=$(nfds)
is "$(duplex "$stack" 1 <"$tmp/data" | sha256sum)" "$sum" \
	"to a TCP server and back, identical"
is "$(duplex "$stack" 2 <"$tmp/data" | sha256sum)" "$sum" \
	"to a Unix socket and back, identical"
is "$(duplex "$stack" 3 <"$tmp/data")" 20000000 \
	"the client's FIN reaches the server, the answer comes after it"
is "$(duplex "$stack" 4 </dev/null)" bye "the server closes first"

# signature, PROXY over IPv4, 12 octets: both addresses, both ports
echo x | in_ns socat - TCP:10.77.0.2:5,bind=10.77.0.1:40112
echo x | in_ns socat - 'TCP6:[fd77::2]:5,bind=[fd77::1]:40113'
wait_for '[ "$(wc -c <"$tmp/heads")" -ge 84 ]' 5
is "$(od -An -v -tx1 "$tmp/heads" | tr -d ' \n')" \
	"0d0a0d0a000d0a515549540a2111000c0a4d00010a4d00029cb00005780a\
0d0a0d0a000d0a515549540a21210024\
fd770000000000000000000000000001fd7700000000000000000000000000029cb10005780a" \
	"the PROXY head names the client, once a connection"

for port in 8 9; do
	rc=0
	in_ns curl -g -s --max-time 5 "http://$stack_at:$port/" >/dev/null || rc=$?
	# 7: curl was still in its connect() when the RST came
	ok "no server there ($port): reset, at once" test $rc = 56 -o $rc = 55 -o $rc = 7
done

ok "the log says so" grep -q \
	'service gone: tcp:127.0.0.1:9999: Connection refused' "$tmp/tcpd.log"

# one that does not read: its client has to wait, tcpd keeps a bounded amount
duplex "$stack" 6 </dev/zero >/dev/null 2>&1 &
pids="$pids $!"
wait_for '[ "$(ss_json ".[] | select(.local == \"'"$stack_at"':6\" and .state ==
	\"ESTABLISHED\") | .recv_q")" -gt 0 ] 2>/dev/null' 10
is $? 0 "a server that does not read: what came in waits"
# shellcheck disable=SC2317 # in a condition
held() { stat_json .octets.received; }
wait_for 'a=$(held); sleep 0.3; [ "$a" = "$(held)" ]' 20
is $? 0 "and no more comes"
id=$(ss_json '.[] | select(.local == "'"$stack_at"':6" and .state ==
	"ESTABLISHED") | .id')
is "$(tcpctl abort "$id")" "aborted $id" "it can be aborted by its id"
wait_for '[ "$(tcpctl --json ss sport = 6 | jq length)" = 0 ]' 5
is $? 0 "and is gone"

# closed by tcpctl: the client has its FIN, and all ends once it closes too
mkfifo "$tmp/hold"
exec 8<>"$tmp/hold"
ip netns exec "$ns" "$BUILD/test/net/duplex" "$stack" 1 <&8 >/dev/null 2>&1 &
client=$!
pids="$pids $client"
wait_for 'tcpctl ss sport = 1 | grep -q ESTABLISHED' 5
tcpctl close "$(tcpctl --json ss sport = 1 | jq '.[0].id')" >/dev/null
wait_for 'tcpctl ss sport = 1 | grep -q FIN-WAIT-2' 5
exec 8>&-
kill $client
wait_for '[ "$(tcpctl --json ss sport = 1 | jq length)" = 0 ]' 5
is $? 0 "a connection that tcpctl closed ends with its client"

i=0
while [ $i -lt 50 ]; do
	duplex "$stack" 4 </dev/null >/dev/null
	i=$((i + 1))
done
wait_for "[ \$(nfds) -le $before ]" 5
is "$(nfds)" "$before" "no fd is left behind"

done_testing
