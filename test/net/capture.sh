#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# capture.sh - tshark reads captures of whole connections: no bad checksum,
# nothing that tcp.analysis finds wrong, and the changes of state as comments.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream.sh"

tshark() {
	command tshark -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-r "$tmp/c.pcapng" "$@" 2>"$tmp/tshark.err"
}
count() { tshark -Y "$1" -T fields -e frame.number | wc -l; }

# The kernel writes a computed TCP checksum of zero as 0xffff, as UDP wants it.
# The two are the same number (RFC 1071), but tshark calls that one bad.
kernel_zero='(frame.packet_flags_direction == 1 && tcp.checksum == 0xffff &&
	tcp.checksum_calculated == 0)'

for offload in auto off; do
	tcpd_start -o "offload = $offload" \
		-o 'service web { listen = ":80" kind = http }' \
		-o 'service echo { listen = ":7" kind = echo }'
	bg capture "$BUILD/tcpctl" capture "$tmp/c.pcapng"
	capture=$pid
	wait_for '[ -s "$tmp/c.pcapng" ]' 5

	in_ns curl -g -s -o /dev/null "http://$stack_at/"
	in_ns curl -g -s -o /dev/null "http://$stack_at:1234/"
	raw abort -s "$away_at:4001" -d "$stack_at:7" <<-END
		send S mss=1460
		wait SA
		send A
		send R seq=-1
		send RA
	END
	wait "$pid"
	is "$(echoed in_ns "$stack" 7 2 $((8 << 20)))" "2 identical" \
		"$offload: streams while it is captured"
	wait_for '! tcpctl ss | grep -q ESTABLISHED' 5
	kill -INT "$capture"
	wait "$capture"
	is $? 0 "$offload: the capture ends in order"

	between "$(count tcp)" 30 1e9 "$offload: tshark reads the segments"
	is "$(count "(ip.checksum.status == 0 || tcp.checksum.status == 0) &&
		!$kernel_zero")" 0 "$offload: no checksum is wrong"
	is "$(count "tcp && tcp.checksum.status != 1 && !$kernel_zero")" 0 \
		"$offload: and each was verified"
	# flow control at work is news, not a fault; and the kernel probes for
	# a lost tail (RFC 8985) when this machine is slow
	tshark -Y 'tcp.analysis.flags && !tcp.analysis.window_update &&
		!tcp.analysis.window_full && !tcp.analysis.zero_window &&
		!tcp.analysis.zero_window_probe &&
		!tcp.analysis.zero_window_probe_ack &&
		!(frame.packet_flags_direction == 1 &&
		(tcp.analysis.retransmission ||
		tcp.analysis.spurious_retransmission))' \
		-T fields -e frame.number -e _ws.col.Info >"$tmp/wrong"
	is "$(head -n 5 "$tmp/wrong")" "" \
		"$offload: tcp.analysis finds nothing wrong"
	tshark -Y frame.comment -T fields -e frame.comment >"$tmp/comments"
	for change in 'LISTEN -> SYN-RECEIVED' 'SYN-RECEIVED -> ESTABLISHED'; do
		ok "$offload: a comment says $change" \
			grep -qE "conn=[0-9]+ .*$change" "$tmp/comments"
	done
	is "$(tshark -Y 'tcp.flags.reset == 1 && tcp.srcport == 1234' \
		-T fields -e frame.comment)" "RST sent: no_listener" \
		"$offload: and why a reset was sent"
	is "$(tshark -Y 'tcp.flags.reset == 1 && tcp.srcport == 4001' \
		-T fields -e frame.comment | sed 's/conn=[0-9]* //' |
		tr '\n' ';')" \
		"RST ignored: sequence;RST received: abort,ESTABLISHED -> CLOSED;" \
		"$offload: and what became of those that came"
	between "$(count 'frame.packet_flags_direction == 1')" 10 1e9 \
		"$offload: packets in are marked"
	between "$(count 'frame.packet_flags_direction == 2')" 10 1e9 \
		"$offload: and packets out"
	if [ $offload = auto ]; then
		between "$(count 'ip.len > 3000 || ipv6.plen > 3000')" 1 1e9 \
			"$offload: super-segments are there whole"
	fi
	tcpd_stop
done

tcpd_start -o "capture = \"$tmp/c.pcapng\"" \
	-o 'service web { listen = ":80" kind = http syn-cookies = always }'
is "$(in_ns curl -g -s -o /dev/null -w '%{http_code}' "http://$stack_at/")" 200 \
	"a program gets its page by a SYN cookie"
tcpd_stop
between "$(count 'tcp.flags.syn == 1')" 2 1e9 \
	"the capture of the configuration is a file as well"
is "$(tshark -Y 'tcp.flags.syn == 1 && tcp.flags.ack == 1' \
	-T fields -e frame.comment)" "SYN cookie sent" \
	"and says which SYN-ACK is a cookie"

done_testing
