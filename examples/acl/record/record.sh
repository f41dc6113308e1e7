#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0
#
# Records ../traffic.pcap (or the file named as first argument): real programs talk across a
# small network made of network namespaces, and tcpdump listens on the link where the ACL of
# the example would sit. Everything made here is removed again, nothing leaves the machine.
#
#   172.12.55.99 --.                                     .-- 10.0.0.1     (python http.server, iperf3)
#   172.12.7.1   --|         recorded link               |
#   172.16.100.1 --+-- switch ============= router ------+
#   192.168.1.123 -|                        172.12.0.1   |
#   VLAN 7 host  --'                                     '-- 12.34.56.78  (nginx, dnsmasq, echo)
#
# Needs root, iproute2, ethtool, tcpdump, nginx, curl, dnsmasq, dig, ping, iperf3, python3.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ -z "${RECORD_BOUNDED:-}" ]]; then # the recording as a whole must not outlive its limit
	RECORD_BOUNDED=1 exec timeout --kill-after=5 55 "${BASH_SOURCE[0]}" "$@"
fi
[[ $EUID -eq 0 ]] || { echo "record.sh: network namespaces need root" >&2; exit 1; }
for tool in ip tc ss ethtool tcpdump nginx curl dnsmasq dig ping iperf3 python3; do
	command -v "$tool" >/dev/null || { echo "record.sh: $tool is not installed" >&2; exit 1; }
done

out=${1:-$here/../traffic.pcap}
run=acl$$ # prefix of every namespace, so that two recordings do not meet
work=$(mktemp -d)
spaces=()
exec 3>&2 2>"$work/log"

cleanup() {
	local status=$? ns
	trap '' INT TERM HUP # what has begun is finished
	set +e
	for ns in "${spaces[@]}"; do ip netns pids "$ns" | xargs -r kill; done
	sleep 0.3
	for ns in "${spaces[@]}"; do
		ip netns pids "$ns" | xargs -r kill -9
		ip netns del "$ns" # takes the links along
	done
	((status == 0)) || { echo "record.sh: failed, the log ends:" && tail -n 20 "$work/log"; } >&3
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# at HOST COMMAND… runs a command inside a host; talk does so with a limit and takes any answer,
# because some conversations below are meant to fail.
at() { ip netns exec "$run-$1" "${@:2}"; }
talk() { at "$1" timeout 10 "${@:2}" >>"$work/log" 2>&1 || true; }

# host NAME makes a namespace.
host() {
	ip netns add "$run-$1"
	spaces+=("$run-$1")
	ip -n "$run-$1" link set lo up
}

# wire A IF MAC B IF MAC joins two hosts. Offloads are off on both ends, so that the frames in the
# capture are those a cable would carry: no larger than the MTU, with checksums that are right.
wire() {
	ip link add "$2" address "$3" netns "$run-$1" type veth peer name "$5" address "$6" netns "$run-$4"
	plain "$1" "$2"
	plain "$4" "$5"
}
plain() { at "$1" ethtool -K "$2" gro off gso off tso off tx off rx off >>"$work/log"; }

# slow HOST IF KBIT makes the sending end of a link a bottleneck with a short queue: bursts of TCP
# overflow it, and the sender has to send again.
slow() { at "$1" tc qdisc add dev "$2" root tbf rate "$3kbit" burst 4kb limit 7kb; }

# until_true SECONDS COMMAND… waits for a condition.
until_true() {
	local i
	for ((i = 0; i < $1 * 20; i++)); do
		if "${@:2}" >>"$work/log" 2>&1; then return 0; fi
		sleep 0.05
	done
	echo "record.sh: gave up waiting for: ${*:2}" >&2
	return 1
}
listens() { at "$1" ss -Hlntu "sport = :$2" | grep -q .; }
settled() { ! at "$1" ip -6 addr show tentative | grep -q inet6; }

build() {
	local ns port
	for ns in switch router web files c1 c2 c3 c4 tagged; do host "$ns"; done

	at switch sysctl -qw net.ipv6.conf.default.disable_ipv6=1 # a switch has no address
	ip -n "$run-switch" link add br0 type bridge
	ip -n "$run-switch" link set br0 up
	wire switch uplink 02:00:00:00:00:01 router up0 06:16:3e:1b:72:32
	wire switch port1 02:00:00:00:01:01 c1 eth0 02:1e:67:9f:4d:ae
	wire switch port2 02:00:00:00:01:02 c2 eth0 02:00:ac:0c:07:01
	wire switch port3 02:00:00:00:01:03 c3 eth0 02:00:ac:10:64:01
	wire switch port4 02:00:00:00:01:04 c4 eth0 02:00:c0:a8:01:7b
	wire switch port5 02:00:00:00:01:05 tagged eth0 02:00:ac:0c:c8:05
	for port in uplink port1 port2 port3 port4 port5; do
		ip -n "$run-switch" link set "$port" master br0 up
	done

	at router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	wire router files0 02:00:00:00:02:01 files eth0 02:00:0a:00:00:01
	wire router web0 02:00:00:00:02:02 web eth0 02:00:0c:22:38:4e
	ip -n "$run-router" addr add 10.0.0.254/24 dev files0
	ip -n "$run-router" addr add 12.34.56.254/24 dev web0
	ip -n "$run-router" addr add 2001:db8:34::fe/64 dev web0 nodad
	ip -n "$run-router" link set files0 up
	ip -n "$run-router" link set web0 up
	ip -n "$run-files" addr add 10.0.0.1/24 dev eth0
	ip -n "$run-files" link set eth0 up
	ip -n "$run-files" route add default via 10.0.0.254
	ip -n "$run-web" addr add 12.34.56.78/24 dev eth0
	ip -n "$run-web" addr add 2001:db8:34::78/64 dev eth0 nodad
	ip -n "$run-web" link set eth0 up
	ip -n "$run-web" route add default via 12.34.56.254
	ip -n "$run-web" -6 route add default via 2001:db8:34::fe
	slow router files0 4000
	slow switch port4 6000
}

listen() {
	mkdir "$work/www"
	echo '<html><body><h1>It works</h1></body></html>' >"$work/www/index.html"
	seq -f 'line %06.0f of a file that somebody fetches over the network' 1 2000 >"$work/www/large.txt"
	head -n 800 "$work/www/large.txt" >"$work/www/medium.txt"
	cat >"$work/nginx.conf" <<-CONF
		user root; worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
		events { worker_connections 64; }
		http {
			access_log off; default_type text/plain;
			server { listen 12.34.56.78:80; listen [2001:db8:34::78]:80; root $work/www; }
		}
	CONF
	at web nginx -p "$work" -c "$work/nginx.conf" >>"$work/log" &
	at web dnsmasq --keep-in-foreground --user=root --conf-file=/dev/null --pid-file= --no-resolv --no-hosts \
		--bind-interfaces --listen-address=12.34.56.78 --listen-address=2001:db8:34::78 --local=/example/ \
		--host-record=web.example,12.34.56.78,2001:db8:34::78 --host-record=files.example,10.0.0.1 \
		--txt-record=example,"$(printf 'a text record long enough to be noticed %.0s' 1 2 3 4 5)" >>"$work/log" &
	at web python3 "$here/hello.py" serve 12.34.56.78 10002 >>"$work/log" &
	at files python3 -m http.server --bind 10.0.0.1 --directory "$work/www" 80 >>"$work/log" &
	at files iperf3 --server --one-off >>"$work/log" &
	local port
	for port in 80 53 10002; do until_true 5 listens web "$port"; done
	for port in 80 5201; do until_true 5 listens files "$port"; done
}

# plug HOST IPv4/LEN GATEWAY [IPv6/LEN] brings a client up; this is seen by the capture.
plug() {
	ip -n "$run-$1" addr add "$2" dev eth0
	[[ -z "${4:-}" ]] || ip -n "$run-$1" addr add "$4" dev eth0
	ip -n "$run-$1" link set eth0 up
	ip -n "$run-$1" route add default via "$3"
	[[ -z "${4:-}" ]] || ip -n "$run-$1" -6 route add default via 2001:db8:12::1
}

plug_all() {
	ip -n "$run-router" addr add 172.12.0.1/16 dev up0
	ip -n "$run-router" addr add 172.16.100.254/24 dev up0
	ip -n "$run-router" addr add 192.168.1.1/24 dev up0
	ip -n "$run-router" addr add 2001:db8:12::1/64 dev up0
	plug c1 172.12.55.99/16 172.12.0.1 2001:db8:12::55:99/64
	plug c2 172.12.7.1/16 172.12.0.1 2001:db8:12::7:1/64
	plug c3 172.16.100.1/24 172.16.100.254
	plug c4 192.168.1.123/24 192.168.1.1
	ip -n "$run-tagged" link set eth0 up
	tagged_end tagged eth0 172.12.200.5 02:00:ac:0c:c8:05
	tagged_end router up0 172.12.200.6 02:00:ac:0c:c8:06
	at router python3 -m http.server --bind 172.12.200.6 --directory "$work/www" 80 >>"$work/log" &
	until_true 5 listens router 80
	local name
	for name in c1 c2 router; do until_true 5 settled "$name"; done
}

# tagged_end HOST IF IPv4 MAC gives a host an address in VLAN 7 behind its interface.
tagged_end() {
	at "$1" python3 "$here/vlantap.py" "$2" tap7 7 >>"$work/log" &
	until_true 5 ip -n "$run-$1" link show tap7
	ip -n "$run-$1" addr add "$3/24" dev tap7
	ip -n "$run-$1" link set tap7 address "$4" up
}

web=(curl -sS -o /dev/null --resolve web.example:80:12.34.56.78)
web6=(curl -sS -o /dev/null --resolve "web.example:80:[2001:db8:34::78]")
dns=(dig +tries=1 +time=2)

# client1 is inside 172.12.0.0/16: names, web, ping of every kind, and what goes wrong.
client1() {
	talk c1 "${dns[@]}" @12.34.56.78 web.example A
	talk c1 "${dns[@]}" @12.34.56.78 web.example AAAA
	talk c1 "${web[@]}" http://web.example/large.txt
	talk c1 "${dns[@]}" @12.34.56.78 nosuchname.example
	talk c1 "${dns[@]}" +tcp @12.34.56.78 example TXT
	talk c1 "${web[@]}" "http://web.example/index.html?page=[1-8]" # eight requests, one connection
	talk c1 "${web6[@]}" http://web.example/medium.txt
	talk c1 "${dns[@]}" @2001:db8:34::78 files.example
	talk c1 ping -c 4 -i 0.2 12.34.56.78
	talk c1 ping -c 2 -i 0.2 -s 3000 12.34.56.78
	talk c1 ping -c 2 -i 0.2 -R 12.34.56.78
	talk c1 ping -c 1 -W 1 -t 1 12.34.56.78  # time exceeded
	talk c1 ping -c 1 -W 4 10.0.0.99         # host unreachable
	talk c1 ping -c 1 -W 1 172.12.9.9        # nobody answers the ARP request
	talk c1 ping -6 -c 3 -i 0.2 2001:db8:34::78
	talk c1 ping -6 -c 2 -i 0.2 -s 3000 2001:db8:34::78
	talk c1 curl -sS -m 2 http://10.0.0.1:81/ # nobody listens: TCP reset
	talk c1 python3 "$here/hello.py" udp 172.12.55.99 12.34.56.78 10002
	talk c1 python3 "$here/hello.py" tcp 172.12.55.99 12.34.56.78 10002
	talk c1 python3 "$here/hello.py" udp 172.12.55.99 10.0.0.1 10002
}

# client2 is inside as well: an upload that overflows the link behind the router.
client2() {
	talk c2 iperf3 --client 10.0.0.1 --bytes 240K --length 8K
	talk c2 "${dns[@]}" @12.34.56.78 files.example
	talk c2 curl -sS -o /dev/null http://10.0.0.1/index.html
	talk c2 ping -6 -c 2 -i 0.2 2001:db8:12::1
}

# client3 is outside, but within 172.16.0.0/12.
client3() {
	talk c3 "${dns[@]}" @12.34.56.78 web.example
	talk c3 "${web[@]}" http://web.example/medium.txt
	talk c3 curl -sS -o /dev/null http://10.0.0.1/index.html
	talk c3 "${dns[@]}" @10.0.0.1 web.example # no name server there: port unreachable
	talk c3 ping -c 20 -i 0.1 10.0.0.1
	talk c3 python3 "$here/hello.py" udp 172.16.100.1 10.0.0.1 10002
	talk c3 python3 "$here/hello.py" udp 172.16.100.1 12.34.56.78 10002
}

# client4 is outside: a download over its slow port, and datagrams in fragments to port 80.
client4() {
	talk c4 "${dns[@]}" @12.34.56.78 web.example
	talk c4 "${web[@]}" http://web.example/large.txt
	talk c4 curl -sS -o /dev/null http://10.0.0.1/index.html
	talk c4 ping -c 3 -i 0.2 12.34.56.78
	talk c4 ping -c 2 -i 0.2 -s 3000 10.0.0.1
	talk c4 python3 "$here/hello.py" udp 192.168.1.123 12.34.56.78 10002
	talk c4 python3 "$here/hello.py" udp 192.168.1.123 12.34.56.78 80 --size 4000
	talk c4 python3 "$here/hello.py" udp 192.168.1.123 12.34.56.78 80 --options
}

vlan_client() {
	talk tagged ping -c 3 -i 0.2 172.12.200.6
	talk tagged curl -sS -o /dev/null http://172.12.200.6/index.html
}

build
listen
ip -n "$run-router" link set up0 up
ip netns exec "$run-router" tcpdump -Z root -i up0 -U -s 65535 --time-stamp-precision=micro \
	-w "$work/traffic.pcap" 2>"$work/tcpdump" &
dump=$!
until_true 5 grep -q 'listening on' "$work/tcpdump"
plug_all
talkers=()
for talker in client1 client2 client3 client4 vlan_client; do
	"$talker" &
	talkers+=($!)
done
wait "${talkers[@]}"
sleep 1 # the last acknowledgements
kill -INT "$dump"
wait "$dump"
grep -q '^0 packets dropped by kernel' "$work/tcpdump" # a capture with holes is none
mv "$work/traffic.pcap" "$out"
chmod 644 "$out"
grep 'packets captured' "$work/tcpdump"
