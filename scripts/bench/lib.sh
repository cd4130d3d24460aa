# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - what scripts/bench/flood and attacks share (sourced): namespaces, a
# tcpd on a core of its own, and figures beside their targets.
#
#   bench_family 4|6           addresses: $ip of tcpd's, $at the same before a
#                              port, $kernel_ip, $kernel_at
#   bench_begin NAME BUILD     checks; $tmp, and a trap that removes everything
#   tcpd_up NS DIR TEXT...     tcpd on core 1 in a new namespace: $tcpd_pid
#   tcpd_down                  and its namespace
#   tcpd_in NS DIR TEXT...     the same in one that is there; tcpd_out ends it
#   kernel_up A K              two namespaces and a veth: the kernel's server
#                              in K answers on core 1
#   no_answers NS DEVICE       what goes to the flood's sources is counted and
#                              dropped as it comes in
#   answers NS · tun_drops NS · rss PID · cpu PID · ctl ... · stat JQ
#   note NAME VALUE            one measurement of a figure
#   table ROWS                 all figures; 1 when a target is missed
#   medians                    "NAME MEDIAN LEAST MOST N" of every figure
#
# A row: name|unit|what it is|target: >=N, <=N, >=@NAME (the median of another
# figure), !REASON (why there is no figure), or nothing.

fail() {
	echo "$bench_name: $*" >&2
	exit 1
}

bench_family() {
	# shellcheck disable=SC2034 # some are for whoever sources this
	case $1 in
	4)
		family=4 ip=10.77.0.2 at=$ip
		kernel_ip=10.99.0.2 kernel_at=$kernel_ip
		;;
	6)
		family=6 ip=fd77::2 at=[$ip]
		kernel_ip=fd99::2 kernel_at=[$kernel_ip]
		;;
	*)
		echo "$(basename "$0"): --family $1: expected 4 or 6" >&2
		exit 2
		;;
	esac
}

bench_begin() {
	bench_name=$1
	B=$2
	bench=$B/test/bench
	[ "$(id -u)" = 0 ] || fail "needs root (it makes network namespaces)"
	[ -c /dev/net/tun ] || fail "/dev/net/tun is missing"
	[ "$(nproc)" -ge 2 ] || fail "needs two cores"
	if [ ! -x "$B/tcpd" ] || [ ! -x "$bench/flood" ]; then
		make -s -j2 O="$B" all tests || exit 1
	fi
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/tcpd-bench.XXXXXX")
	chmod 711 "$tmp"
	: >"$tmp/figures"
	: >"$tmp/conf"
	pids=()
	spaces=()
	trap bench_end EXIT
	trap 'exit 130' INT TERM HUP
	bench_since=$SECONDS
	local load
	load=$(cut -d ' ' -f 1 /proc/loadavg)
	awk "BEGIN { exit !($load > 0.7) }" && echo "$bench_name: something" \
		"else is running (load $load): the figures will be worth" \
		"little" >&2
	return 0
}

bench_end() {
	trap - EXIT
	exec 8>&-
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	for n in "${spaces[@]}"; do
		ip netns del "$n" 2>/dev/null
	done
	rm -rf "$tmp"
}

space() { # <name>
	ip netns add "$1" || exit 1
	spaces+=("$1")
	ip -n "$1" link set lo up
}

on() { # <namespace> <cpu> <command...>
	local n=$1 cpu=$2
	shift 2
	ip netns exec "$n" taskset -c "$cpu" "$@"
}

# The same in the background, output to <file>: $pid is the command itself.
behind() { # <file> <namespace> <cpu> <command...>
	local out=$1 n=$2 cpu=$3
	shift 3
	ip netns exec "$n" taskset -c "$cpu" "$@" >"$out" 2>&1 &
	pid=$!
	pids+=("$pid")
}

until_ready() { # <file> <text> <pid>
	for _ in $(seq 1500); do
		grep -q "$2" "$1" 2>/dev/null && return
		kill -0 "$3" 2>/dev/null || break
		sleep 0.02
	done
	cat "$1" >&2
	fail "$1 is not ready"
}

ctl() { "$B/tcpctl" -s "$tcpd_run/ctl.sock" "$@"; }
stat() { ctl --json stats | jq -r "$1"; }

tcpd_up() { # <namespace> <run-dir> <configuration>...
	space "$1"
	tcpd_in "$@"
}

tcpd_in() { # <namespace> <run-dir> <configuration>...
	local args=() text
	tcpd_ns=$1
	tcpd_run=$2
	shift 2
	for text; do args+=(-o "$text"); done
	behind "$tcpd_run.log" "$tcpd_ns" 1 "$B/tcpd" -f "$tmp/conf" \
		-o "user = nobody group = nogroup run-dir = \"$tcpd_run\"
		addresses = {\"10.77.0.2/24\", \"fd77::2/64\"}
		host-addresses = {\"10.77.0.1/24\", \"fd77::1/64\"}" "${args[@]}"
	tcpd_pid=$pid
	for _ in $(seq 500); do
		ctl version >/dev/null 2>&1 && break
		kill -0 "$tcpd_pid" 2>/dev/null || break
		sleep 0.02
	done
	ctl version >/dev/null ||
		{ cat "$tcpd_run.log" >&2; fail "tcpd did not start"; }
	ip -n "$tcpd_ns" link set tcpd0 txqueuelen 10000
	ip -n "$tcpd_ns" route change 10.77.0.0/24 dev tcpd0 congctl cubic
	ip -n "$tcpd_ns" -6 route change fd77::/64 dev tcpd0 metric 256 \
		congctl cubic
}

tcpd_out() {
	kill "$tcpd_pid"
	wait "$tcpd_pid" 2>/dev/null
}

tcpd_down() {
	tcpd_out
	ip netns del "$tcpd_ns"
}

# The kernel's server: packets that come over the veth are steered to core 1,
# where tcpd would be.
kernel_up() { # <injector's namespace> <server's>
	space "$1"
	space "$2"
	ip -n "$1" link add eth0 txqueuelen 10000 type veth peer name eth0 \
		netns "$2"
	ip -n "$1" addr add 10.99.0.1/24 dev eth0
	ip -n "$2" addr add 10.99.0.2/24 dev eth0
	ip -n "$1" addr add fd99::1/64 dev eth0 nodad
	ip -n "$2" addr add fd99::2/64 dev eth0 nodad
	ip -n "$1" link set eth0 up
	ip -n "$2" link set eth0 up
	ip -n "$2" route add default via 10.99.0.1
	ip -n "$2" -6 route add default via fd99::1
	ip netns exec "$2" sh -c 'echo 2 >/sys/class/net/eth0/queues/rx-0/rps_cpus
		sysctl -qw net.ipv4.tcp_syncookies=1
		sysctl -qw net.core.somaxconn=4096' || exit 1
	behind "$tmp/kserve" "$2" 1 "$bench/serve" "$kernel_ip" echo:7
	until_ready "$tmp/kserve" ready "$pid"
	# the injector's packets know its address, the server's answers must
	# not wait for that
	on "$1" 0 "$bench/ping" "$kernel_ip" 7 0.1 >/dev/null
	# shellcheck disable=SC2034 # for whoever sources this
	kernel_mac=$(ip netns exec "$2" cat /sys/class/net/eth0/address)
}

no_answers() { # <namespace> <device>
	ip netns exec "$1" nft -f - <<-END
		table netdev flood {
			counter synack { }
			counter rst { }
			counter other { }
			chain in {
				type filter hook ingress device $2 priority 0
				ip daddr 198.18.0.0/15 goto invented
				ip6 daddr 2001:2::/48 goto invented
			}
			chain invented {
				tcp flags & (syn | ack) == syn | ack counter name synack drop
				tcp flags & rst == rst counter name rst drop
				counter name other drop
			}
		}
	END
}

answers() { # <namespace> <synack|rst|other>
	ip netns exec "$1" nft -j list counter netdev flood "$2" |
		jq '.nftables[] | select(.counter) | .counter.packets'
}

tun_drops() { # <namespace>
	ip -n "$1" -j -s link show tcpd0 | jq '.[0].stats64.tx.dropped'
}

rss() { awk '$1 == "Rss:" { print $2 * 1024 }' "/proc/$1/smaps_rollup"; }
cpu() { awk '{ print $1 / 1e9 }' "/proc/$1/schedstat"; } # s
calc() { awk "BEGIN { print $* }"; }
note() { printf '%s\t%s\n' "$1" "$2" >>"$tmp/figures"; }

medians() {
	awk -F '\t' '
	{ got[$1] = got[$1] " " $2 }
	END {
		for (name in got) {
			n = split(got[name], v, " ")
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
					x = v[j]; v[j] = v[j - 1]; v[j - 1] = x
				}
			m = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
			printf "%s\t%s\t%s\t%s\t%d\n", name, m, v[1], v[n], n
		}
	}' "$tmp/figures"
}

table() { # <file with rows>
	awk -F '\t' -v all="${bench_all:-}" '
	function median(name,   n, v, i, j, x) {
		n = split(got[name], v, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
				x = v[j]; v[j] = v[j - 1]; v[j - 1] = x
			}
		if (n)
			spread = v[1] + 0 == v[n] + 0 ? "" : \
				num(v[1]) ".." num(v[n])
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	function num(v) {
		if (v == int(v) || v >= 1000) return sprintf("%.0f", v)
		return sprintf(v >= 10 ? "%.1f" : "%.3g", v)
	}
	FILENAME == ARGV[1] { got[$1] = got[$1] " " $2; next }
	FNR == 1 {
		printf "%-50s %-7s %11s %11s\n", "figure (median)", "unit", \
			"target", "measured"
	}
	{
		split($0, r, "|")
		aim = r[4]
		if (aim ~ /^!/) {
			printf "%-50s %-7s %11s %11s %s\n", r[3], r[2], "", "-", \
				substr(aim, 2)
			next
		}
		op = substr(aim, 1, 2)
		least = substr(aim, 3)
		if (least ~ /^@/)
			least = substr(least, 2) in got ? median(substr(least, 2)) : ""
		if (!(r[1] in got)) {
			if (op == "" || !all) next
			printf "%-50s %-7s %11s %11s %s\n", r[3], r[2], \
				op " " num(least + 0), "-", "NOT MEASURED"
			missed = 1
			next
		}
		v = median(r[1]) + 0
		if (least != "") least += 0
		good = op == "" || least == "" ? "" : \
			(op == ">=" ? v >= least : v <= least) ? "ok" : "MISSED"
		if (good == "MISSED") missed = 1
		printf "%-50s %-7s %11s %11s %-6s %s\n", r[3], r[2], \
			good == "" ? "" : op " " num(least + 0), num(v + 0), good, \
			spread
	}
	END { exit missed }' "$tmp/figures" "$1"
	local rc=$?
	echo "$bench_name: IPv$family; $((SECONDS - bench_since)) s;" \
		"Linux $(uname -r)," \
		"$(nproc) cores, injector and clients on core 0, tcpd on core 1"
	return $rc
}
