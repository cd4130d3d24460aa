#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# ASAN
# app_ends.sh - how an app sees a connection end: FIN, RST, refusal, silence;
# and what the wire sees when the app ends it.
. "$(dirname "$0")/lib.sh"

tcpd_start
app_start
app listen l "$stack_at:5000" >/dev/null

open_raw() { # <name> <port>; further lines of the script on stdin
	{
		printf 'send S mss=1460\nwait SA\nsend A\n'
		cat
	} | raw "$1" -s "$away_at:$2" -d "$stack_at:5000"
}
log() { cat "$tmp/$1.log"; }

open_raw fin 4001 <<-END
	send PA len=100
	send FA
	log 20000
END
app accept a l >/dev/null
is "$(app drain a)" "drain a 100 eof" "FIN: the data, then end of file"
is "$(app error a)" "error a none" "FIN: which is no error"
app close a >/dev/null

open_raw rst 4002 <<-END
	send PA len=100
	wait A
	send RA
	log 20000
END
app accept a l >/dev/null
wait_for '! ss_json ".[].peer" | grep -qF "$away_at:4002"' 5
is "$(app drain a)" "drain a 100 ECONNRESET" "RST: the data, then ECONNRESET"
is "$(app error a)" "error a ECONNRESET" "RST: SO_ERROR says so once"
is "$(app error a)" "error a none" "RST: and no more"
app close a >/dev/null

is "$(app connect r "$host_at:4999")" "connect r ECONNREFUSED" \
	"a connect that the peer refuses: ECONNREFUSED"
app close r >/dev/null

open_raw linger 4004 <<-END
	log 20000
END
app accept a l >/dev/null
is "$(app linger a)" "linger a ok" "SO_LINGER {1,0} is taken"
app close a >/dev/null
wait_for 'log linger | grep -q "<.* R"' 2
is "$(log linger | tail -n +4 | grep -c '<.* R')" 1 \
	"SO_LINGER {1,0} puts one RST on the wire"
is "$(log linger | grep -c '<.* F')" 0 "and no FIN"

open_raw unread 4005 <<-END
	send PA len=100
	log 20000
END
app accept a l >/dev/null
wait_for '[ "$(ss_json ".[] | select(.peer == \"'"$away_at"':4005\") | .recv_q")" = 100 ]' 2
app close a >/dev/null
wait_for 'log unread | grep -q "<.* R"' 2
is "$(log unread | grep -c '<.* R')" 1 "a close with unread data puts RST"

open_raw half 4006 <<-END
	wait FA
	send A
	send PA len=50
	wait A
	send FA
	log 20000
END
app accept a l >/dev/null
is "$(app shutdown a)" "shutdown a ok" "a half close"
is "$(app drain a)" "drain a 50 eof" "after which the peer still sends"
app close a >/dev/null

open_raw abort 4007 <<-END
	log 20000
END
app accept a l >/dev/null
is "$(app abort a)" "abort a ok" "an abort"
wait_for 'log abort | grep -q "<.* R"' 2
is "$(log abort | grep -c '<.* R')" 1 "puts one RST on the wire"
is "$(app drain a)" "drain a 0 ECONNRESET" "and the app reads ECONNRESET"
app close a >/dev/null

# fifteen retransmissions, in a clock that runs fast
kill "$app_pid"
exec 9>&-
rm "$tmp/app.in"
tcpd_stop
tcpd_start -o 'time-scale = 200'
app_start
app listen l "$stack_at:5000" >/dev/null
open_raw mute 4003 <<-END
	log 60000
END
app accept a l >/dev/null
is "$(app write a 1000)" "write a 1000" "the peer vanishes: what it is sent"
is "$(APP_WAIT=60 app drain a)" "drain a 0 ECONNRESET" \
	"the peer vanishes: ECONNRESET"
is "$(app error a)" "error a ETIMEDOUT" "the peer vanishes: SO_ERROR ETIMEDOUT"

done_testing
