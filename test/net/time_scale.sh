#!/bin/sh
# SPDX-License-Identifier: MIT
# ALONE
# time_scale.sh - the protocol's clock at twenty times the wall's: its timers
# run by it, exactly; a kernel peer, whose delays are not scaled, sees nothing
# sent again; time stamps tick by the wall.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

scale=20
mb=${FULL:+256}
mb=${mb:-24}

tcpd_start -o "time-scale = $scale" \
	-o 'service echo { listen = ":7" kind = echo }' \
	-o 'service daytime { listen = ":13" kind = daytime }' \
	-o 'service chargen { listen = ":19" kind = chargen }' \
	-o 'service slow { listen = ":99" kind = forward to = "tcp:127.0.0.1:99" }'
no "up to 20 nothing is said of it" grep -q time-scale "$tmp/tcpd.log"
force_cubic "$ns" 10.77.0.0/24 dev tcpd0
# its tail loss probes come after a few ms: also when this machine is slow
in_ns sysctl -qw net.ipv4.tcp_early_retrans=0
app_start

# --- timers, towards peers that fall silent; all at once
raw syn -s 10.77.0.77:9 -d 10.77.0.2:1 <<-END
	say ready
	accept 10000
	log 3600
END
raw data -s 10.77.0.77:4001 -d 10.77.0.2:13 <<-END
	send S mss=1460 win=65535
	wait SA
	send A
	log 4200
END
raw finwait2 -s 10.77.0.77:4002 -d 10.77.0.2:13 <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send A
	log 4200
END
raw timewait -s 10.77.0.77:4003 -d 10.77.0.2:13 <<-END
	send S mss=1460
	wait SA
	send A
	wait FA
	send FA
	wait A
	log 4200
END
raw closed -s 10.77.0.77:4004 -d 10.77.0.2:19 <<-END
	send S mss=1460 win=4
	wait SA
	send A win=4
	wait A
	send A win=0
	log 3600
END
wait_for 'grep -q ready "$tmp/syn.log"' 5
app start c 10.77.0.77:9 >/dev/null
row() { ss_json ".[] | select(.peer == \"10.77.0.77:$1\") | $2"; }
wait_for '[ "$(row 4003 .state)" = TIME-WAIT ]' 2
begin=$(date +%s%N)
between "$(row 4003 .timer_ms)" 45000 60000 "timer_ms is protocol time"
# each is there just before its time and gone at it
gone() { # <port> <seconds of protocol time> <name>
	wait_for "[ -z \"\$(row $1 .state)\" ]" 8
	local ms=$((($(date +%s%N) - begin) / 1000000))
	between $ms $(($2 * 1000 / scale - 400)) $(($2 * 1000 / scale + 400)) \
		"$3 after $2 s"
}
gone 4003 60 "TIME-WAIT is over"
gone 4002 60 "FIN-WAIT-2 without a reader is over"

# Counted from the first one.  What the machine adds to one wait, a next one of
# RFC 6298 begins with; a wrong clock would be off by a factor.
# <log> <what to look for> <name> <times in protocol seconds...>
sent_at() {
	local log="$tmp/$1.log" what="$2" name="$3" n=1 ms
	shift 3
	for at; do
		n=$((n + 1))
		ms=$(grep "<.*$what" "$log" | awk -v n=$n 'NR == 1 { first = $1 }
			NR == n { print ($1 - first) * 1000 }')
		between "${ms:-none}" "$(awk "BEGIN { print $at / $scale * 1000 - 25 }")" \
			"$(awk "BEGIN { print $at / $scale * 1000 + 40 }")" \
			"$name at $at s"
	done
}
wait_for '[ "$(grep -c "<.* S " "$tmp/syn.log")" = 7 ]' 3
sent_at syn ' S ' "a SYN" 1 3 7 15 31 63
# the least RTO of data is 60 ms of wall time: 1.2 s here
sent_at data ' FP*\. ' "a FIN with data" 1.2 3.6 8.4 18 37.2
sent_at closed '(1) ack' "a zero-window probe" 2.4 7.2 16.8 36

# --- a kernel peer: streams, short answers, lines with gaps between them
netstat_of() { # <counter of /proc/net/netstat>
	in_ns awk -v want="$1" '
		/^TcpExt:/ && !n { n = split($0, name); next }
		/^TcpExt:/ { split($0, v); for (i = 2; i <= n; i++)
			if (name[i] == want) print v[i] }' /proc/net/netstat
}
again() { stat_json .segments.retransmitted; }
lines=20
app close c >/dev/null
for id in $(ss_json '.[] | select(.state != "LISTEN") | .id'); do
	tcpctl abort "$id" >/dev/null 2>&1 # they would go on sending
done
bg slow in_ns socat TCP-LISTEN:99,bind=127.0.0.1,reuseaddr \
	SYSTEM:"read a; for i in \$(seq $lines); do echo \$i; sleep 0.06; done"
wait_for 'in_ns ss -Hltn sport = 99 | grep -q 99' 5
before=$(again)
bg capture in_ns tcpdump -i tcpd0 -s 96 -w "$tmp/c.pcap" -U \
	"host 10.77.0.2 and not host 10.77.0.77"
wait_for 'grep -q listening "$tmp/capture.log"' 5
is "$(echo go | in_ns socat -t 10 - TCP:10.77.0.2:99 | wc -l)" $lines \
	"lines with gaps of 60 ms come"
is "$(($(again) - before))" 0 "none of the lines was sent again"
# an answer to which the asker has nothing to say for a while
delayed=$(netstat_of DelayedACKs)
in_ns "$BUILD/test/bench/ping" 10.77.0.2 7 2 50000 hold >/dev/null
between $(($(netstat_of DelayedACKs) - delayed)) 20 60 \
	"the kernel holds back the ACKs of answers"
is "$(($(again) - before))" 0 "none of the answers was sent again"
is "$(echoed in_ns 10.77.0.2 7 1 $((mb << 20)))" "1 identical" \
	"$mb MiB both ways"
is "$(echoed in_ns 10.77.0.2 7 8 $((mb << 20)))" "8 identical" \
	"the same in eight flows"
is "$(($(again) - before))" 0 "tcpd sent nothing again"
is "$(netstat_of TCPDSACKOldSent) $(netstat_of TCPDSACKRecv)" "0 0" \
	"the kernel got nothing twice, nor sent it"
kill "$pid"
wait "$pid" 2>/dev/null

# --- time stamps: 1000 a second of wall time
tshark -r "$tmp/c.pcap" -Y 'ip.src == 10.77.0.2 && tcp.srcport == 99' -T fields \
	-e frame.time_epoch -e tcp.options.timestamp.tsval 2>/dev/null |
	awk 'NR == 1 { t = $1; v = $2 } { dt = $1 - t; dv = $2 - v }
		END { print dv / dt }' >"$tmp/rate"
between "$(cat "$tmp/rate")" 980 1020 "time stamps tick by the wall clock"
is "$(tshark -r "$tmp/c.pcap" -Y 'tcp.analysis.spurious_retransmission ||
	tcp.analysis.retransmission || tcp.analysis.fast_retransmission' \
	2>/dev/null | wc -l)" 0 "tshark finds no retransmission"
tcpd_stop

tcpd_start -o 'time-scale = 21' -o 'service echo { listen = ":7" kind = echo }'
ok "above 20 it warns" grep -q 'time-scale = 21' "$tmp/tcpd.log"

done_testing
