"""A MyRPC server that shares no code with the library: its own frames, its own protobuf.

It behaves as the original does: replies have type 1, the service name plays no part in routing, a call that
fails gets no reply, and what came in one piece behind a request is lost; with --tolerant it is kept. Started with port 0 on loopback; prints the port; ends when its standard input ends.
"""

import json
import os
import socket
import struct
import sys
import threading

HEADER = struct.Struct(">HBBIII")


TOLERANT = "--tolerant" in sys.argv[1:]


def fill(connection, data, count):
    """Reads until there are so many bytes, and what comes along with them."""
    while len(data) < count:
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
    return True


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def write_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_msg(body):
    """message HelloRequest { string msg = 1; }"""
    text = b""
    at = 0
    while at < len(body):
        tag, at = read_varint(body, at)
        if tag != 0x0A:
            raise ValueError("unexpected tag %d" % tag)
        length, at = read_varint(body, at)
        text = body[at : at + length]
        if len(text) != length:
            raise ValueError("truncated string")
        at += length
    return text.decode("utf-8")


def write_msg(text):
    data = text.encode("utf-8")
    return b"\x0a" + write_varint(len(data)) + data if data else b""


def serve(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = bytearray()
        while True:
            if not fill(connection, received, HEADER.size):
                return
            magic, version, kind, sequence, data_length, body_length = HEADER.unpack_from(received)
            if (magic, version, kind) != (0x1234, 1, 1):
                return
            end = HEADER.size + data_length + body_length
            if not fill(connection, received, end):
                return
            raw = bytes(received[HEADER.size : HEADER.size + data_length])
            body = bytes(received[HEADER.size + data_length : end])
            if TOLERANT:
                del received[:end]
            else:
                received.clear()
            data = json.loads(raw)
            if set(data) != {"service_name", "method_name"}:
                return
            if data["method_name"] != "Hello":
                continue
            reply = write_msg("Hello " + read_msg(body))
            connection.sendall(HEADER.pack(0x1234, 1, 1, sequence, len(raw), len(reply)) + raw + reply)


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
