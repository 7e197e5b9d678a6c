"""Kafka record batches of magic 2, written from their public description, for the findings about other readers of that format."""
import struct

TABLE = []
for index in range(256):
    value = index
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    TABLE.append(value)


def crc32c(data):
    state = 0xFFFFFFFF
    for byte in data:
        state = TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state ^ 0xFFFFFFFF


def varint(number):
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes(out + bytes([rest]))


def nullable(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(value, key=None, headers=(), offset_delta=0):
    body = b"\0" + varint(0) + varint(offset_delta) + nullable(key) + nullable(value) + varint(len(headers))
    for name, content in headers:
        body += varint(len(name)) + name + nullable(content)
    return varint(len(body)) + body


def batch(records, timestamp):
    covered = struct.pack(">hiqqqhii", 0, len(records) - 1, timestamp, timestamp, -1, -1, -1, len(records)) + b"".join(records)
    return struct.pack(">qiibI", 0, 9 + len(covered), -1, 2, crc32c(covered)) + covered
