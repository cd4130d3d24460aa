#!/bin/sh
# SPDX-License-Identifier: MIT
# tun_fd.sh - a TUN that somebody else has opened (--tun-fd), with and without
# virtio-net header; and an interface that is somebody else's to set up.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

# tcpd as nobody, without a right, on a descriptor; <flags> <options...>
launch() {
	local flags="$1"
	shift
	ip netns exec "$ns" "$BUILD/test/net/tunfd" "tun-$$" "$flags" \
		/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all \
		"$tmp/tcpd" -f "$conf" --tun-fd 3 -o "run-dir = \"$run\"" \
		"$@" >>"$tmp/tcpd.log" 2>&1 </dev/null &
	tcpd_pid=$!
	wait_for "tcpctl version >/dev/null 2>&1 || tcpd_gone" 20
}

cp "$BUILD/tcpd" "$tmp/tcpd" # where nobody may run it
mkdir -m 777 "$run"
for flags in v -; do
	launch "$flags" -o 'service echo { listen = ":7" kind = echo }'
	ok "flags $flags: it says which commands to run" wait_for \
		'grep -qE "no right to set up tun-.*ip addr replace 10.77.0.1/24 dev tun-" "$tmp/tcpd.log"' 5
	ip -n "$ns" link set "tun-$$" mtu 1500 txqueuelen 10000 up
	ip -n "$ns" addr replace 10.77.0.1/24 dev "tun-$$"
	is "$(echoed in_ns 10.77.0.2 7 1 4000000)" "1 identical" \
		"flags $flags: a stream comes back whole"
	tcpd_stop
	is $? 0 "flags $flags: it ends in order"
	wait_for '! ip -n "$ns" link show "tun-$$" >/dev/null 2>&1' 5
done

rc=0
ip netns exec "$ns" "$BUILD/test/net/tunfd" "tun-$$" p "$BUILD/tcpd" -f "$conf" \
	--tun-fd 3 -o "run-dir = \"$run\" user = nobody" 2>"$tmp/err" || rc=$?
is "$rc $(wc -l <"$tmp/err")" "1 1" "packet information: refused in one line"
ok "and it says what was expected" grep -q 'IFF_NO_PI, expected' "$tmp/err"
rc=0
in_ns "$BUILD/tcpd" -f "$conf" --tun-fd 0 \
	-o "run-dir = \"$run\" user = nobody" 2>"$tmp/err" </dev/null || rc=$?
is "$rc $(wc -l <"$tmp/err")" "1 1" "no TUN at all: refused in one line"

# --- host-addresses = {}: the interface is left alone, its MTU taken
ip -n "$ns" tuntap add dev "tun-$$" mode tun user root
ip -n "$ns" link set "tun-$$" mtu 1400 up
ip -n "$ns" addr add 10.77.0.1/24 dev "tun-$$"
tcpd_start -o "tun = \"tun-$$\" host-addresses = {}" \
	-o 'service echo { listen = ":7" kind = echo }'
is "$(in_ns cat "/sys/class/net/tun-$$/mtu" 2>/dev/null ||
	ip -n "$ns" -j link show "tun-$$" | jq '.[0].mtu')" 1400 \
	"host-addresses = {}: the MTU stays"
ok "and the log says that it is taken as it is" \
	grep -q 'MTU of tun-.* is 1400, not 1500' "$tmp/tcpd.log"
is "$(echoed in_ns 10.77.0.2 7 1 4000000)" "1 identical" \
	"and a stream comes back whole"
tcpd_stop

# --- a persistent device keeps nothing of its last user's
tcpd_start -o "tun = \"tun-$$\" offload = off mtu = 1500" \
	-o 'addresses = {"10.77.0.2/24", "10.99.0.0/16 local"}' \
	-o 'service echo { listen = ":7" kind = echo }'
is "$(echoed in_ns 10.77.0.2 7 1 4000000)" "1 identical" \
	"the same device without offload: a stream comes back whole"
is "$(echoed in_ns 10.99.3.4 7 1 100000)" "1 identical" \
	"a prefix that host-addresses do not cover has a route"
tcpd_stop

# --- no IPv6 there
ip -n "$ns" link del "tun-$$"
in_ns sysctl -qw net.ipv6.conf.default.disable_ipv6=1
tcpd_start -o 'service echo { listen = ":7" kind = echo }'
ok "IPv6 switched off: one warning names what is left out" \
	grep -qE 'tcpd0 takes no IPv6 .*left out: fd77::2/64 fd77::1/64' \
	"$tmp/tcpd.log"
is "$(echoed in_ns 10.77.0.2 7 1 100000)" "1 identical" "and IPv4 works"
tcpd_stop

done_testing
