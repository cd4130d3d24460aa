#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# recv_q.sh - Recv-Q counts what an app has not read from its fd, wherever it
# waits: in the stack or in the socketpair.
. "$(dirname "$0")/lib.sh"

tcpd_start
app_start
app listen l "$stack_at:5000" >/dev/null
head -c 100000 /dev/zero >"$tmp/zeros"
mkfifo "$tmp/more"
in_ns "$BUILD/test/net/duplex" "$stack" 5000 <"$tmp/more" >/dev/null 2>&1 &
pids="$pids $!"
exec 8<>"$tmp/more"
cat "$tmp/zeros" >&8
is "$(app accept a l)" "accept a ok" "an app has the connection"

id=$(ss_json '.[] | select(.state == "ESTABLISHED") | .id')
is "$(tcpctl show "$id" | grep -o 'time stamps, window scale, SACK')" \
	"time stamps, window scale, SACK" "and all that the kernel offered"

unread() { ss_json '.[] | select(.state == "ESTABLISHED") | .recv_q'; }
wait_for '[ "$(unread)" = 100000 ]' 5
is "$(unread)" 100000 "100,000 octets that it does not read are shown"
is "$(app read a 40000)" "read a 40000" "it reads some"
wait_for '[ "$(unread)" = 60000 ]' 2
is "$(unread)" 60000 "and the rest is shown"
is "$(app read a 60000)" "read a 60000" "it reads the rest"
wait_for '[ "$(unread)" = 0 ]' 2
is "$(unread)" 0 "nothing waits"
exec 8>&-
is "$(app drain a)" "drain a 0 eof" "and then comes the end of file"

done_testing
