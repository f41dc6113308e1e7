# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0
"""vlantap.py INTERFACE TAP VID: a VLAN interface for kernels that were built without one.

Frames the host sends to TAP leave INTERFACE with an 802.1Q tag; frames that arrive on INTERFACE
with this tag reach TAP without it.
"""

import errno
import fcntl
import os
import select
import socket
import struct
import sys

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
TP_STATUS_VLAN_VALID = 0x10
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata of if_packet.h


def arrived_vid(control):
    """The VLAN id that the kernel took out of a received frame, or None."""
    for level, kind, data in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = AUXDATA.unpack(data[: AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                return tci & 0x0FFF
    return None


def deliver(tap, frame):
    try:
        os.write(tap, frame)
    except OSError as e:
        if e.errno != errno.EIO:  # the host has not brought TAP up: the frame is lost
            raise


def main():
    interface, name, vid = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.bind((interface, 0))
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    tag = struct.pack("!HH", 0x8100, vid)
    while True:
        ready, _, _ = select.select([wire, tap], [], [])
        if tap in ready:
            frame = os.read(tap, 65536)
            wire.send(frame[:12] + tag + frame[12:])
        if wire in ready:
            frame, control, _, peer = wire.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
            if peer[2] != socket.PACKET_OUTGOING and arrived_vid(control) == vid:
                deliver(tap, frame)


if __name__ == "__main__":
    main()
