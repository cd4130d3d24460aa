#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES
# pace.sh - text whose rate is limited leaves in even bursts with gaps below a
# millisecond, as a capture sees them, and no faster.
. "$(dirname "$0")/lib.sh"

rate=4000000 # two segments each 730 us
octets=1000000

# Of a capture's segments with text: how many, their octets, seconds from the
# first to the last, the gap that half of them are below (in us), the largest.
gaps() {
	tshark -r "$1" -Y 'tcp.dstport == 99 && tcp.len > 0' -T fields \
		-e frame.time_epoch -e tcp.len 2>/dev/null |
		awk 'NR == 1 { first = $1 } NR > 1 { print ($1 - last) * 1e6 }
			{ last = $1; sum += $2; if ($2 > most) most = $2 }
			END { print "sum", NR, sum, last - first, most }' |
		sort -n >"$tmp/gaps"
	awk '$1 == "sum" { sum = $0; next } { gap[n++] = $1 }
		END { print sum, gap[int(n / 2)] }' "$tmp/gaps" | cut -d' ' -f2-
}

tcpd_start
app_start
bg sink in_ns socat -u "TCP$FAMILY-LISTEN:99,reuseaddr" OPEN:/dev/null
wait_for 'in_ns ss -Hltn sport = 99 | grep -q 99' 5
bg capture in_ns tcpdump -i tcpd0 --immediate-mode -s 128 -w "$tmp/c.pcap" -U tcp
wait_for 'grep -q listening "$tmp/capture.log"' 5
is "$(app connect c "$host_at:99")" "connect c ok" "the app connects"
is "$(app pace c $rate)" "pace c ok" "... and limits its rate"
is "$(app write c $octets)" "write c $octets" "... and writes"
id=$(tcpctl --json ss | jq -r '.[] | select(.state == "ESTAB" or
	.state == "ESTABLISHED") | .id' | head -n 1)
is "$(tcpctl --json show "$id" | jq .pacing_rate)" $rate \
	"tcpctl show tells the rate"
is "$(app shutdown c)" "shutdown c ok" "... and ends"
ok "all of it goes" wait_for "tshark -r '$tmp/c.pcap' -Y \
	'tcp.dstport == 99 && tcp.flags.fin == 1' 2>/dev/null | grep -q ." 10
read -r n sum time most gap <<-END
	$(gaps "$tmp/c.pcap")
END
diag "$n segments, $sum octets in $time s, at most $most at once, gap $gap us"
is "$sum" $octets "the capture has all of the text"
between "$most" 1000 3000 "two segments at once at most"
between "$time" "$(awk "BEGIN { print 0.95 * $octets / $rate }")" 100 \
	"it takes its time"
between "$gap" 500 1000 "half of the gaps are below a millisecond"
done_testing
