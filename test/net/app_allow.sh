#!/bin/sh
# SPDX-License-Identifier: MIT
# app_allow.sh - what a user may do with app.sock: what the allow sections say,
# and a reload changes it.
. "$(dirname "$0")/lib.sh"

setpriv --reuid 12345 --regid 12345 --clear-groups true 2>/dev/null ||
	bail "needs setpriv"
as_user() { # <script>: an app of user 12345, group 12346 beside its own
	printf '%s\n' "$@" |
		setpriv --reuid 12345 --regid 12345 --groups 12346 \
			"$tmp/app" 2>&1
}
install -m 755 "$BUILD/test/net/app" "$tmp/app"

tcpd_start
is "$(as_user 'socket a')" "socket a EACCES" \
	"without a rule a user gets no socket"
is "$(printf 'listen l 10.77.0.2:5000\n' | "$tmp/app")" "listen l ok" \
	"root needs none"
tcpd_stop

tcpd_start -o 'allow web { user = "12345"
	listen = {"10.77.0.2:5000"} connect = {"10.77.0.2:40000"} }'
is "$(as_user 'listen l 10.77.0.2:5000')" "listen l ok" \
	"with one he listens where it says"
is "$(as_user 'listen l 10.77.0.2:5001')" "listen l EACCES" "not elsewhere"
is "$(as_user 'listen l 0.0.0.0:5000')" "listen l EACCES" \
	"nor on every address"
is "$(as_user 'connect c 10.77.0.1:4999')" "connect c EACCES" \
	"a port that the stack chooses is not the one that he may connect from"
tcpd_stop

tcpd_start -o 'allow staff { group = "12346" connect = {":1-65535"} }'
is "$(as_user 'connect c 10.77.0.1:4999')" "connect c ECONNREFUSED" \
	"a group that is not his first one lets him connect"
is "$(as_user 'listen l 10.77.0.2:5000')" "listen l EACCES" \
	"and no more than that"
no "nothing of what was refused went out" \
	test "$(stat_json .opens.active)" != 1

done_testing
