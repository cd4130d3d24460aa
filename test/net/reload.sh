#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# ASAN
# reload.sh - a reload with a wrong file changes nothing and says why; one
# with a right file takes effect, and connections live through both.
. "$(dirname "$0")/lib.sh"

cat >"$conf" <<-END
	service web { listen = ":80" kind = http }
	service echo { listen = ":7" kind = echo }
END
tcpd_start
mkfifo "$tmp/hold"
exec 8<>"$tmp/hold"
in_ns "$BUILD/test/net/duplex" "$stack" 7 <&8 >/dev/null 2>&1 &
pids="$pids $!"
wait_for 'tcpctl ss | grep -q ESTABLISHED' 5
id=$(ss_json '.[] | select(.state == "ESTABLISHED") | .id')

page() {
	in_ns curl -g -s -o /dev/null -w '%{http_code}' --max-time 5 \
		"http://$stack_at:$1/"
}
is "$(page 80)" 200 "the page is there"

cat >"$conf" <<-END
	service web { listen = ":81" kind = http }
	mtu = many
END
rc=0
tcpctl reload 2>"$tmp/err" || rc=$?
is $rc 1 "a wrong file: the reload is refused"
ok "and says where" grep -q 'tcpd\.conf:2: mtu: ' "$tmp/err"
is "$(page 80)" 200 "the old service is still there"
page 81 >/dev/null
is $? 7 "and the new one is not"

lines=$(grep -c 'tcpd\.conf:2: mtu: ' "$tmp/tcpd.log")
kill -HUP "$tcpd_pid"
ok "the same by SIGHUP: it is in the log" wait_for \
	"[ \$(grep -c 'tcpd\.conf:2: mtu: ' '$tmp/tcpd.log') -gt $lines ]" 5
is "$(page 80)" 200 "and the old service is still there"

cat >"$conf" <<-END
	service web { listen = ":81" kind = http }
	service echo { listen = ":7" kind = echo }
END
ok "a right file: the reload is done" tcpctl reload
is "$(page 81)" 200 "the new service is there"
page 80 >/dev/null
is $? 7 "the old one is not"
is "$(ss_json ".[] | select(.id == $id) | .state")" ESTABLISHED \
	"a connection of before lives on"

# a listener with other settings is another one, on a port with a connection
# that is open and one in TIME-WAIT
in_ns curl -g -s -o /dev/null -H 'Connection: close' --max-time 5 "http://$stack_at:81/"
wait_for 'tcpctl ss -a state time-wait sport = 81 | grep -q TIME-WAIT' 5
cat >"$conf" <<-END
	service web { listen = ":81" kind = http backlog = 77 }
	service echo { listen = ":7" kind = echo backlog = 77 }
END
ok "services in use may change" tcpctl reload
is "$(ss_json '[.[] | select(.state == "LISTEN") | .send_q] | unique[]')" 77 \
	"and listen anew"
is "$(page 81)" 200 "the page is still there"
is "$(ss_json ".[] | select(.id == $id) | .state")" ESTABLISHED \
	"the connection lives on"

cat >"$conf" <<-END
	service web { listen = ":81" kind = http backlog = 77 syn-cookies = always }
	service echo { listen = ":7" kind = echo backlog = 77 }
END
ok "SYN cookies may be had from now on" tcpctl reload
is "$(page 81)" 200 "the page is still there"
is "$(stat_json '.cookies.accepted')" 1 "by a cookie"

rm "$conf"
no "a file that is gone: the reload is refused" tcpctl reload
is "$(page 81)" 200 "and nothing changes"

cat >"$conf" <<-END
	service web { listen = ":82" kind = http }
	memory = 64M
END
no "a limit that cannot change while running is refused" tcpctl reload
is "$(tcpctl reload 2>&1)" "tcpctl: memory: cannot change while tcpd runs, \
expected 256M (or a restart)" "and what it is now is told with its unit"
is "$(page 81)" 200 "and nothing of that file is taken"

cat >"$conf" <<-END
	service web { listen = ":82" kind = http }
	mtu = 1400
	txqueuelen = 300
	host-addresses = {"10.77.0.1/24", "fd77::1/64", "10.77.0.9/24"}
END
ok "what the interface should be like may change" tcpctl reload
is "$(page 82)" 200 "the rest of that file is taken"
ok "the log names what tcpd has no right to set" grep -q \
	'reload: mtu, txqueuelen, host-addresses: not set on tcpd0 (Operation not permitted): restart' \
	"$tmp/tcpd.log"
in_ns ip link set tcpd0 mtu 1400
in_ns ip addr add 10.77.0.9/24 dev tcpd0
sed -i 's/300/400/' "$conf"
tcpctl reload
ok "and no more than that" grep -q \
	'reload: txqueuelen: not set on tcpd0' "$tmp/tcpd.log"

# addresses that come and go
with() { # <addresses> [more]
	cat >"$conf" <<-END
		service echo { listen = ":7" kind = echo }
		host-addresses = {"10.77.0.1/24", "fd77::1/64", "10.77.0.9/24"}
		mtu = 1400
		txqueuelen = 400
		addresses = {$1}
		${2:-}
	END
	tcpctl reload
}
two='"10.77.0.2/24", "10.77.0.3/32", "fd77::2/64"'
one='"10.77.0.2/24", "fd77::2/64"'
at_three='[.[] | select(.local == "10.77.0.3" or (.local | startswith("10.77.0.3:"))) | .state] | join(" ")'
ok "an address more may be had" with "$two"
app_start
is "$(app listen l 10.77.0.3:90)" "listen l ok" "an app listens there"
in_ns "$BUILD/test/net/duplex" 10.77.0.3 7 <&8 >/dev/null 2>"$tmp/talk.log" &
talk=$!
pids="$pids $talk"
wait_for "ss_json '$at_three' | grep -q ESTABLISHED" 5
ok "it is taken away" with "$one"
wait_for "! kill -0 $talk 2>/dev/null" 5
ok "a connection there ends with a reset" grep -q 'Connection reset' "$tmp/talk.log"
ok "and nothing is left there" wait_for "[ -z \"\$(ss_json '$at_three')\" ]" 5
is "$(app accept x l)" "accept x ECONNRESET" "the app's listener has ended"
is "$(ss_json ".[] | select(.id == $id) | .state")" ESTABLISHED \
	"the connection at the other address lives on"

with "$two" "removed-address = keep" >"$tmp/ok.log"
mkfifo "$tmp/words"
exec 7<>"$tmp/words"
in_ns "$BUILD/test/net/duplex" 10.77.0.3 7 <"$tmp/words" >"$tmp/kept" 2>&1 &
pids="$pids $!"
wait_for "ss_json '$at_three' | grep -q ESTABLISHED" 5
ok "taken away, and its connections are kept" with "$one" "removed-address = keep"
is "$(ss_json "$at_three")" ESTABLISHED "one is still there"
no "but nobody new gets in" in_ns timeout 1 \
	"$BUILD/test/net/duplex" 10.77.0.3 7 </dev/null
echo hello >&7
ok "and it is served" wait_for "grep -q hello '$tmp/kept'" 5

done_testing
