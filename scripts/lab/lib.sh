# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034 # several are for the experiments
# lib.sh - what the experiments share (sourced; see README, "The lab").
#
# An experiment sources this, calls lab_begin "$@", and ends with verdict.
# Time is the protocol's: the wall's times --scale, since `clock`.
#
#   lab_begin "$@"          options; builds what is missing; makes a namespace
#   lab_tcpd [-o TEXT]...   tcpd with a capture, and the live pictures of it
#   clock                   protocol time begins to run
#   says TEXT...            one line of the story, with its time
#   rows [FILTER]           the rows of `tcpctl ss -a` but listeners, likewise
#   show COMMAND...         a command and what it prints
#   pass_time SECONDS       of protocol time
#   peer NAME ARG...        a rawpeer that waits for `tell NAME COMMAND...`
#   expect WHAT GOT WANT · expect_between WHAT GOT LEAST MOST
#   lab_stop                ends tcpd: the capture is complete
#   wire FILTER             packets of the capture, as tcpdump prints them
#   events_of FILTER        the changes of state, through jq
#   counted FILTER          a counter, through jq
#   verdict TEXT FILTER     PASS TEXT or FAIL, and the exit code
# Beside these: all of test/net/lib.sh (in_ns, bg, wait_for, app, ...).
set -u

lab_name=$(basename "$0")
lab_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scale=1
family=4
keep=
lab_extra= # an option of the experiment's own, and its value
failed=()
checks=0
wire_options=() # of tcpdump, for the live picture
drawing=
captures=()
zero=0 # microseconds of the wall; 0: the clock does not run yet

# The comment at the head of the script, without its marks.
lab_help() {
	sed -n '3,$ { /^#/!q; s/^# \{0,1\}//; p }' "$0"
	cat <<-END

		Options:
		  --scale N     N times faster than real time (default 1)
		  --family 4|6  IPv4 or IPv6 (default 4)
		  --keep DIR    for the capture (default build/lab)
		  -h            this
	END
}

lab_usage() {
	echo "$lab_name: $*; see scripts/lab/$lab_name -h" >&2
	exit 2
}

lab_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			lab_help
			exit 0
			;;
		--scale | --family | --keep)
			[ $# -ge 2 ] || lab_usage "$1 needs a value"
			;;&
		--scale) scale=$2 ;;
		--family) family=$2 ;;
		--keep) keep=$2 ;;
		"${lab_own:- }")
			[ $# -ge 2 ] || lab_usage "$1 needs a value"
			lab_extra=$2
			;;
		*) lab_usage "$1: unknown option" ;;
		esac
		shift 2
	done
	case $scale in
	[1-9] | [1-9][0-9] | [1-9][0-9][0-9] | 1000) ;;
	*) lab_usage "--scale $scale: expected a number from 1 to 1000" ;;
	esac
	case $family in
	4 | 6) ;;
	*) lab_usage "--family $family: expected 4 or 6" ;;
	esac
}

# Programs and packages, if they are not there yet.
lab_build() {
	local p
	BUILD=${BUILD:-$lab_top/build}
	case $BUILD in /*) ;; *) BUILD=$lab_top/$BUILD ;; esac
	for p in jq nft tcpdump curl socat; do
		PATH=$PATH:/usr/sbin:/sbin command -v $p >/dev/null ||
			"$lab_top/scripts/setup-packages" build lab || exit 1
	done
	set -- tcpd tcpctl examples/client test/net/app test/net/rawpeer \
		test/net/webload test/bench/flood test/bench/honest
	for p; do
		[ ! -x "$BUILD/$p" ] || continue
		"$lab_top/scripts/setup-packages" build lab || exit 1
		echo "Building ..."
		make -s -C "$lab_top" -j"$(nproc)" Q=@ O="$BUILD" \
			"${@/#/$BUILD/}" >"/tmp/tcpd-lab-$$.log" 2>&1 || {
			tail -n 30 "/tmp/tcpd-lab-$$.log"
			rm -f "/tmp/tcpd-lab-$$.log"
			echo "$lab_name: the build failed" >&2
			exit 1
		}
		rm -f "/tmp/tcpd-lab-$$.log"
		break
	done
	keep=${keep:-$BUILD/lab}
	mkdir -p "$keep" || exit 1
	keep=$(cd "$keep" && pwd)
}

lab_ready() { # options and programs, no namespace yet
	lab_options "$@"
	[ "$(id -u)" = 0 ] || {
		echo "$lab_name: needs root: it makes a network namespace" \
			"and a TUN" >&2
		exit 1
	}
	lab_build
}

lab_begin() {
	lab_ready "$@"
	# shellcheck source=test/net/lib.sh
	. "$lab_top/test/net/lib.sh"
	bail() { # what cannot go on
		failed+=("the stage: expected it to be set, saw: $(tr '\n' ' ' \
			<<<"$*")")
		tcpd_pid=
		verdict '' tcp
	}
	if [ "$family" = 6 ]; then
		host=fd77::1 stack=fd77::2 away=fd77::77
	else
		host=10.77.0.1 stack=10.77.0.2 away=10.77.0.77
	fi
	pcap=$keep/$lab_name.pcapng
	printf '%s' "== $lab_name, IPv$family"
	[ "$scale" = 1 ] || printf ', %s times faster than real time' "$scale"
	printf '\n\n'
}

# "10.77.0.2:80", "[fd77::2]:80"
at() {
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

clock() {
	zero=${EPOCHREALTIME/[.,]/}
	echo "$zero" >"$tmp/zero" # for those who draw
}

now_us() {
	[ "$zero" = 0 ] && echo 0 ||
		echo $(((${EPOCHREALTIME/[.,]/} - zero) * scale))
}

lab_line() { # <microseconds of protocol time> <text>
	local cs=$((($1 + 5000) / 10000))
	[ $cs -ge 0 ] && [ "$zero" != 0 ] || cs=0
	printf '%6d.%02d s  %s\n' $((cs / 100)) $((cs % 100)) "$2"
}

# What the wire and the states have to say comes by processes of their own:
# their lines shall stand before the next one of the story.
settle() { sleep 0.06; }

says() {
	settle
	lab_line "$(now_us)" "$*"
}

pass_time() { sleep "$(awk "BEGIN { print $1 / $scale }")"; }
wall_of() { awk "BEGIN { print $1 / $scale }"; }

rows() {
	local line
	settle
	tcpctl ss -a "$@" | grep -v '^State\|^LISTEN' | tr -s ' ' |
		while read -r line; do
			lab_line "$(now_us)" "ss: $line"
		done
}

show() {
	settle
	printf '\n%18s$ %s\n' '' "$*"
	"$@" 2>&1 | sed 's/^/                  /'
	echo
}

# One line a segment, peer on the left and tcpd on the right.
lab_wire() {
	local t proto src dst rest flags names i left text
	local dashes=--------------------------------------------------
	declare -A names=([F]=FIN [S]=SYN [R]=RST [P]=PSH [.]=ACK)
	while read -r t proto src _ dst _ flags rest; do
		case $proto-$src in
		IP-"$stack".* | IP6-"$stack".*) left=${dst%:} ;;
		IP-* | IP6-*) left=$src ;;
		*) continue ;;
		esac
		case $flags in '['*) ;; *) continue ;; esac
		flags=${flags//[\[\],]/}
		text=
		for ((i = 0; i < ${#flags}; i++)); do
			text=$text,${names[${flags:i:1}]:-}
		done
		text="${text#,} ${rest/, options \[*\]/}"
		text=${text/, length 0/}
		[[ $text =~ ^(.*)", win "[0-9]+(.*)$ ]] &&
			text=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
		[[ $text =~ ^(.*", length "[0-9]+) ]] && text=${BASH_REMATCH[1]}
		text="$text "
		read -r zero <"$tmp/zero"
		if [ "$left" = "$src" ]; then
			text="|--- $text${dashes:${#text}}>| tcpd"
		else
			text="|<-- $text${dashes:${#text}}-| tcpd"
		fi
		lab_line $(((${t/./} - zero) * scale)) \
			"$(printf 'peer :%-5s %s' "${left##*.}" "$text")"
	done
}

# The daemon's own stamps.  They count from its start, which is known from
# the line that came with the least delay.
lab_states() {
	local line at now start=''
	while read -r at _ line; do
		read -r zero <"$tmp/zero"
		now=$((${EPOCHREALTIME/[.,]/} * scale))
		at=$((10#${at/./}))
		[ -n "$start" ] && [ $((now - at)) -ge "$start" ] ||
			start=$((now - at))
		line=${line#* }
		case $line in *'->'*) line="state: $line" ;; *) line="event: $line" ;; esac
		lab_line $((start + at - zero * scale)) "$line"
	done
}

# lab_quiet=1: too many segments for a story; lab_unseen=1: and for a capture
lab_pictures() {
	mkfifo "$tmp/wire.$tcpd_pid" "$tmp/states.$tcpd_pid"
	lab_wire <"$tmp/wire.$tcpd_pid" &
	pids="$pids $!"
	lab_states <"$tmp/states.$tcpd_pid" &
	pids="$pids $!"
	ip netns exec "$ns" tcpdump -i tcpd0 -n -l -tt "${wire_options[@]}" \
		--immediate-mode tcp >"$tmp/wire.$tcpd_pid" \
		2>"$tmp/tcpdump.log" &
	pids="$pids $!"
	drawing=$!
	"$BUILD/tcpctl" -s "$run/ctl.sock" events -f \
		>"$tmp/states.$tcpd_pid" 2>/dev/null &
	pids="$pids $!"
	drawing="$drawing $!"
	wait_for 'grep -qs "listening on" "$tmp/tcpdump.log"' 10 ||
		bail "tcpdump did not start: $(cat "$tmp/tcpdump.log")"
}

lab_tcpd() {
	local capture=
	[ -n "${lab_unseen:-}" ] || capture="capture = \"$pcap\""
	rm -f "$pcap"
	tcpd_start -o "time-scale = $scale $capture" "$@"
	zero=0
	echo 0 >"$tmp/zero"
	[ -n "${lab_quiet:-}" ] || lab_pictures
}

# SIGTERM, and its end; what was counted and what happened is kept.
lab_stop() {
	settle
	# shellcheck disable=SC2086 # two pids
	[ -z "$drawing" ] || kill $drawing
	drawing=
	tcpctl --json events >"$tmp/events.json"
	tcpctl --json stats >"$tmp/stats.json"
	tcpd_stop || failed+=("tcpd: expected an end in order, saw exit code $?")
	[ ! -e "$pcap" ] || {
		chmod 644 "$pcap"
		captures+=("$pcap")
	}
}

declare -A peer_fd peer_pid
peer_said=0

peer() {
	local name=$1 fd
	shift
	mkfifo "$tmp/$name.in"
	: >"$tmp/$name.log"
	ip netns exec "$ns" "$BUILD/test/net/rawpeer" "$@" \
		<"$tmp/$name.in" >"$tmp/$name.log" 2>&1 &
	peer_pid[$name]=$!
	pids="$pids $!"
	exec {fd}>"$tmp/$name.in"
	peer_fd[$name]=$fd
	tell "$name" "# there"
}

# Returns when the peer has done all of it; what it was to see and did not
# is the end of the experiment.
tell() {
	local name=$1 fd=${peer_fd[$1]}
	shift
	peer_said=$((peer_said + 1))
	printf '%s\n' "$@" "say $peer_said" >&"$fd"
	while ! grep -qx "# $peer_said" "$tmp/$name.log"; do
		kill -0 "${peer_pid[$name]}" 2>/dev/null || {
			failed+=("the peer, at $*: expected it to come, saw: $(
				tail -n 3 "$tmp/$name.log" | tr '\n' ';'
			)")
			verdict '' tcp
		}
		sleep 0.01
	done
}

expect() {
	checks=$((checks + 1))
	if [ "$2" = "$3" ]; then
		case $1 in
		*"$2"*) printf '    ok       %s\n' "$1" ;;
		*) printf '    ok       %s: %s\n' "$1" "$2" ;;
		esac
	else
		printf '    NOT      %s: expected %s, saw %s\n' "$1" "$3" "$2"
		failed+=("$1: expected $3, saw ${2:-nothing}")
	fi
}

expect_between() {
	checks=$((checks + 1))
	if awk "BEGIN { exit !(\"$2\" != \"\" && $2 + 0 >= $3 &&
		$2 + 0 <= $4) }" 2>/dev/null; then
		printf '    ok       %s: %s\n' "$1" "$2"
	else
		printf '    NOT      %s: expected %s to %s, saw %s\n' \
			"$1" "$3" "$4" "$2"
		failed+=("$1: expected $3 to $4, saw ${2:-nothing}")
	fi
}

wire() { tcpdump -n -tt -S -r "$pcap" "$@" 2>/dev/null; }

events_of() { jq -r "$1" "$tmp/events.json"; } # of the tcpd that has ended

counted() { # of the running tcpd, or of the one that has ended
	if [ -n "$tcpd_pid" ]; then
		tcpctl --json stats | jq "$1"
	else
		jq "$1" "$tmp/stats.json"
	fi
}

verdict() { # <what was seen> <Wireshark filter>
	[ -z "$tcpd_pid" ] || lab_stop
	echo
	[ ${#captures[@]} = 0 ] || printf 'The capture: %s\n' "${captures[@]}"
	printf 'In Wireshark try: %s\n\n' "$2"
	if [ ${#failed[@]} = 0 ]; then
		echo "PASS $lab_name: $1"
		exit 0
	fi
	printf 'FAIL %s: %s' "$lab_name" "${failed[0]}"
	[ ${#failed[@]} = 1 ] ||
		printf ' (and %d more)' $((${#failed[@]} - 1))
	echo
	tail -n 20 "$tmp/tcpd.log" | sed 's/^/  tcpd.log: /' >&2
	exit 1
}
