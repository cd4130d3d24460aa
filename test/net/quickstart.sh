#!/bin/sh
# SPDX-License-Identifier: MIT
# ALONE
# quickstart.sh - scripts/quickstart twice in a row, then stop: it shows what
# it says, and nothing stays outside the clone.
. "$(dirname "$0")/lib.sh"

cd "$top" || exit 1
if ip netns list | grep -qw tcpd-demo; then
	skip "quickstart" "a demo is running: scripts/quickstart stop ends it"
	done_testing
fi

# what could be left behind
left() {
	ip netns list | grep -w tcpd-demo
	find /run /tmp -maxdepth 2 -name '*tcpd-demo*' 2>/dev/null
	find . -maxdepth 1 -name tcpd-demo
	git ls-files --others --exclude-standard 2>/dev/null
}
left >"$tmp/before"

for time in first second; do
	O=$BUILD scripts/quickstart >"$tmp/said" 2>&1
	is $? 0 "the $time time it works" || diag "$(tail "$tmp/said")"
	ok "the $time time it shows the page" grep -qi '<html\|<!doctype' "$tmp/said"
	ok "the $time time it shows the table" grep -qE '^State +Recv-Q' "$tmp/said"
	ok "the $time time it says how to go on" \
		grep -q 'scripts/quickstart stop' "$tmp/said"
	is "$(ip netns exec tcpd-demo curl -s -o /dev/null -w '%{http_code}' \
		--max-time 5 http://10.77.0.2/)" 200 "and tcpd stays up"
	is "$(ip netns exec tcpd-demo curl -6gs -o /dev/null -w '%{http_code}' \
		--max-time 5 'http://[fd77::2]/')" 200 "over IPv6 as well"
done

pid=$(cat tcpd-demo/pid)
O=$BUILD scripts/quickstart stop >"$tmp/said" 2>&1
is $? 0 "stop works"
left >"$tmp/after"
is "$(diff "$tmp/before" "$tmp/after")" "" "and leaves nothing behind"
no "no process" kill -0 "$pid"
O=$BUILD scripts/quickstart stop >"$tmp/said" 2>&1
is $? 0 "stop when nothing runs is no error"

done_testing
