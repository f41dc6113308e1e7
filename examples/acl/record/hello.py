# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0
"""Says "helloworld" from port 10001, the words and ports of the packet templates of the tutorial.

hello.py serve ADDRESS PORT                   answers over UDP and TCP by repeating what it hears
hello.py udp SOURCE ADDRESS PORT [--size N]   one datagram; with N bytes it travels in fragments
                             [--options]      ... with options in its IP header
hello.py tcp SOURCE ADDRESS PORT              one connection
"""

import argparse
import socket
import threading

WORDS = b"helloworld"
NOP_OPTIONS = b"\x01\x01\x01\x00"  # three no-operations and the end of the list


def serve(address, port):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, port))
    threading.Thread(target=serve_udp, args=(udp,), daemon=True).start()
    with socket.create_server((address, port)) as tcp:
        while True:
            peer, _ = tcp.accept()
            with peer:
                peer.sendall(peer.recv(65536))


def serve_udp(udp):
    while True:
        data, peer = udp.recvfrom(65536)
        udp.sendto(data, peer)


def say(args):
    kind = socket.SOCK_DGRAM if args.mode == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(1)
        if args.options:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, NOP_OPTIONS)
        s.bind((args.source, 10001))
        s.connect((args.address, args.port))
        # A long datagram repeats 00 50: where a fragment has no ports, these bytes read as port 80.
        s.send(b"\x00\x50" * (args.size // 2) if args.size else WORDS)
        try:
            s.recv(65536)
        except OSError:
            pass  # silence and "port unreachable" are answers, too


def main():
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(dest="mode", required=True)
    for mode in ("serve", "udp", "tcp"):
        p = modes.add_parser(mode)
        if mode != "serve":
            p.add_argument("source")
            p.add_argument("--size", type=int, default=0)
            p.add_argument("--options", action="store_true")
        p.add_argument("address")
        p.add_argument("port", type=int)
    args = parser.parse_args()
    if args.mode == "serve":
        serve(args.address, args.port)
    else:
        say(args)


if __name__ == "__main__":
    main()
