#!/bin/sh
# SPDX-License-Identifier: MIT
# FAMILIES quick
# link.sh - the link emulator (test/link) does to packets what its options
# say, and the same again with the same seed.
. "$(dirname "$0")/lib.sh"

netns_add "$peer"
case $FAMILY in
6) one=fd98::1 two=fd98::2 length=64 ;;
*) one=10.98.0.1 two=10.98.0.2 length=24 ;;
esac

# link_up OPTION...
link_up() {
	: >"$tmp/link" # what the one before it said is not this one's
	"$BUILD/test/link/link" "$@" "$peer:l0" "$ns:l0" >"$tmp/link" 2>&1 &
	link_pid=$!
	pids="$pids $link_pid"
	wait_for 'grep -q ready "$tmp/link"' 5 || bail "$(cat "$tmp/link")"
	ip -n "$peer" addr add $one/$length dev l0
	ip -n "$ns" addr add $two/$length dev l0
}

# link_down: what it counted is in $tmp/counted
link_down() {
	kill "$link_pid"
	wait "$link_pid"
	tail -n 1 "$tmp/link" >"$tmp/counted"
}
counted() { jq "$1" "$tmp/counted"; }

# there/back PACKETS OCTETS GAP: "NUMBER DELAY" of each that came, in $tmp/came
there() { probe "$peer" "$ns" $two "$@"; }
back() { probe "$ns" "$peer" $one "$@"; }
probe() { "$BUILD/test/net/probe" "$@" >"$tmp/came"; }
numbers() { cut -d ' ' -f 1 "$tmp/came"; }
came() { wc -l <"$tmp/came"; }
least() { cut -d ' ' -f 2 "$tmp/came" | sort -n | head -n 1; }
most() { cut -d ' ' -f 2 "$tmp/came" | sort -n | tail -n 1; }
middle() { cut -d ' ' -f 2 "$tmp/came" | sort -n | sed -n "$(($(came) / 2))p"; }
in_order() { [ "$(numbers)" = "$(seq 0 $(($1 - 1)))" ]; }

# --- delay and jitter, each way its own
link_up --delay 20,5 --jitter 0,10
there 500 100 200
ok "without loss all come, in order" in_order 500
between "$(least)" 20000 20999 "none before the delay"
between "$(middle)" 20000 24000 "and most soon after it"
back 500 100 200
ok "jitter keeps the order" in_order 500
between "$(least)" 5000 6500 "the other way has a delay of its own"
between "$(most)" 10000 17000 "and its jitter above it"
link_down
is "$(counted '"\(.there.in) \(.there.out) \(.back.in) \(.back.out)"')" \
	'"500 500 500 500"' "what it counts is what came"

# --- loss: its share, and what of it a seed decides
lossy() { # <file> <option>...
	file=$1
	shift
	link_up --delay 1 "$@"
	there 3000 50 20
	numbers >"$tmp/$file"
	link_down
}
lossy first --loss 5 --seed 7
between "$(($(came) * 1000 / 3000))" 940 960 "5 % are lost"
is "$(counted .there.lost)" $((3000 - $(came))) "and counted"
lossy again --loss 5 --seed 7 --delay 3
ok "the same seed drops the same packets" cmp "$tmp/first" "$tmp/again"
lossy other --loss 5 --seed 8
no "another seed drops others" cmp "$tmp/first" "$tmp/other"
lossy burst --loss 5 --burst 4
between "$(($(came) * 1000 / 3000))" 920 980 "5 % in bursts"
between "$(awk 'NR > 1 && $1 > last + 1 { n++; sum += $1 - last - 1 }
	{ last = $1 } END { print sum / n }' "$tmp/burst")" 3 5 \
	"these are four packets long in the mean"

# --- a rate and a queue: 1028 or 1048 octets each at one a microsecond
link_up --rate 8M --queue 10400 --delay 1
there 40 1000 0
n=$(came)
between "$n" 9 12 "a queue of 10400 octets takes ten packets of 40 at once"
ok "and drops at its tail" in_order "$n"
between "$(most)" $((n * 1000)) $((n * 1100 + 20000)) "each waits for the line"
link_down
is "$(counted .there.queue_dropped)" $((40 - n)) "what it drops is counted"
between "$(counted .there.queue_max)" 9000 10400 "so is the largest queue"

# --- reordering and duplication
link_up --delay 1 --reorder 5 --depth 3 --hold 100
there 1000 50 50
is "$(came)" 1000 "reordering loses nothing"
# of each: how many later ones came before it
numbers | awk '{ for (i = $1; i < $1 + 20; i++) n[$1] += i in seen; seen[$1] }
	END { for (i in n) print n[i] }' | sort -n | uniq -c >"$tmp/passed"
link_down
moved=$(awk '$2 == 3 { print $1 }' "$tmp/passed")
between "$moved" 25 90 "5 % are overtaken by three"
between "$(awk '$2 != 0 && $2 != 3 { n += $1 } END { print n + 0 }' \
	"$tmp/passed")" 0 1 "and none by another number of them"
between "$(counted .there.reordered)" "$moved" $((moved + 1)) "as is counted"

link_up --duplicate 10,0
there 1000 50 20
between "$(came)" 1060 1140 "10 % come twice"
is "$(numbers | sort -n | uniq -d | wc -l)" $(($(came) - 1000)) \
	"none comes more often"
back 100 50 20
is "$(came)" 100 "and none the other way"
link_down
is "$(counted .there.duplicated)" $(($(counted .there.out) - 1000)) \
	"the copies are counted"

is "$("$BUILD/test/link/link" --loss x a:b c:d 2>&1)" \
	"link: --loss x: see link --help" "what is no number is refused"

done_testing
