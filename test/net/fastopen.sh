#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES ASAN quick
# fastopen.sh - the kernel and tcpd open fast with each other: the second
# connection's request is on its SYN, whoever asks.  Who has not asked for it,
# in the configuration and by his socket, has none of it.
. "$(dirname "$0")/lib.sh"

in_ns sysctl -qw net.ipv4.tcp_fastopen=0x403 # both; no listener need ask
tcpd_start -o 'fast-open = client' \
	-o 'service web { listen = ":80" kind = http fast-open = server }' \
	-o 'service slow { listen = ":81" kind = http }'

fast() { stat_json ".fast_open.$1"; }
page() { # <port>
	in_ns curl -sS --noproxy '*' --max-time 10 --tcp-fastopen \
		-o /dev/null -w '%{http_code}\n' "http://$stack_at:$1/" 2>&1
}

# --- the kernel asks
is "$(page 80)" 200 "the first page"
is "$(fast asked) $(fast taken)" "1 0" "its SYN asked for a cookie"
is "$(page 80)" 200 "the second page"
is "$(fast asked) $(fast taken)" "1 1" "its SYN brought cookie and request"
is "$(page 80)" 200 "the third page"
is "$(fast asked) $(fast taken)" "1 2" "and so the next one's"
is "$(fast refused) $(fast full)" "0 0" "nothing was refused"

# --- a service that has none: the kernel's request is not taken
is "$(page 81)" 200 "a page of a service without Fast Open"
is "$(fast asked) $(fast taken)" "1 2" "by a plain handshake"

# --- tcpd asks
bg server ip netns exec "$ns" socat \
	"TCP$FAMILY-LISTEN:8080,bind=$host_at,reuseaddr,fork" EXEC:cat
wait_for "in_ns ss -ltn | grep -q :8080" 10 || bail "no server"
kernel() { # connections that it had by their first SYN
	in_ns nstat -asz TcpExtTCPFastOpenPassive |
		awk '/Passive/ { print $2 }'
}
ask() {
	app fast "$1" "$host_at:8080"
	app write "$1" 5
	app read "$1" 5
	app close "$1"
}
answers() { printf '%s\n' "fast $1 ok" "write $1 5" "read $1 5" "close $1 ok"; }
app_start
is "$(ask a)" "$(answers a)" "tcpd's first request"
is "$(fast used) $(kernel)" "0 0" "its SYN asked for a cookie"
is "$(ask b)" "$(answers b)" "tcpd's second request"
is "$(fast used) $(kernel)" "1 1" "went on its SYN, with the cookie"
app fast c "$host_at:8080" >"$tmp/c"
app write c 5 >>"$tmp/c"
app read c 5 >>"$tmp/c"
id=$(ss_json '.[] | select(.state == "ESTABLISHED" and (.peer | endswith(":8080"))) | .id')
is "$(tcpctl --json show "$id" | jq .syn_data)" true "tcpctl show says so"
ok "in words, too" sh -c "$BUILD/tcpctl -s $run/ctl.sock show $id |
	grep -q 'text on the SYN'"
is "$(fast failed)" 0 "nothing failed"

# --- who may not
tcpd_stop
tcpd_start -o 'service web { listen = ":80" kind = http }'
is "$(page 80)" 200 "a page of a tcpd without Fast Open"
is "$(app fast d "$host_at:8080")" "fast d ENOPROTOOPT" \
	"a program there is told that there is none"
is "$(fast asked) $(fast taken) $(fast used)" "0 0 0" "nobody opened fast"

done_testing
