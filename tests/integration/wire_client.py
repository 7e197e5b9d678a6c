"""A foreign client for tests: gRPC from Python with messages compiled from proto/, and Kafka record batches made by hand."""
import atexit
import shutil
import struct
import subprocess
import tempfile
import unittest

import grpc

from broker import SOURCE, Broker, Folder

GENERATED = tempfile.mkdtemp(prefix="ion-gen-")
atexit.register(shutil.rmtree, GENERATED, True)
subprocess.run(["protoc", "-I", str(SOURCE / "proto"), f"--python_out={GENERATED}", f"--descriptor_set_out={GENERATED}/all.pb", "--include_imports"]
               + [str(p) for p in (SOURCE / "proto").rglob("*.proto")], check=True)
# The packages grpc.health and grpc.reflection would hide the module grpc, so theirs are made from descriptors.
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

POOL = descriptor_pool.DescriptorPool()
FILES = descriptor_pb2.FileDescriptorSet.FromString(open(f"{GENERATED}/all.pb", "rb").read())
for file in FILES.file:
    POOL.Add(file)
FACTORY = message_factory.MessageFactory(POOL)


def message(name):
    return FACTORY.GetPrototype(POOL.FindMessageTypeByName(name))


def table():
    """CRC-32C, byte by byte: independent of the code under test."""
    rows = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0x82F63B78 if c & 1 else c >> 1
        rows.append(c)
    return rows


TABLE = table()


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 255] ^ (c >> 8)
    return c ^ 0xFFFFFFFF


def varint(n):
    n = ((n << 1) ^ (n >> 63)) & (1 << 64) - 1
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


NOW = 1_700_000_000_000


def field(value):
    return varint(-1) if value is None else varint(len(value)) + value


def record(value, index=0, headers=(), time_delta=0):
    body = b"\0" + varint(time_delta) + varint(index) + field(None) + field(value) + varint(len(headers))
    body += b"".join(field(k) + field(v) for k, v in headers)
    return varint(len(body)) + body


def framed(records, count, producer=-1, epoch=-1, sequence=-1, magic=2, attributes=0, times=(NOW, NOW)):
    """Any bytes as the records of a Kafka record batch v2, from its public description: header and checksum are right."""
    covered = struct.pack(">hiqqqhii", attributes, count - 1, *times, producer, epoch, sequence, count) + records
    return struct.pack(">qiibI", 0, 4 + 1 + 4 + len(covered), -1, magic, crc32c(covered)) + covered


def batch(values, producer=-1, epoch=-1, sequence=-1, magic=2, flip=None):
    records = b"".join(record(value, i) for i, value in enumerate(values))
    data = bytearray(framed(records, len(values), producer, epoch, sequence, magic))
    if flip is not None:
        data[flip] ^= 1
    return bytes(data)


class Client:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)

    def call(self, method, request, answer, timeout=20):
        return self.channel.unary_unary(method, request_serializer=lambda m: m.SerializeToString(),
                                        response_deserializer=message(answer).FromString)(request, timeout=timeout)

    def broker(self, verb, answer=None, **fields):
        return self.call(f"/ionstream.v1.Broker/{verb}", message(f"ionstream.v1.{verb}Request")(**fields), f"ionstream.v1.{answer or verb}Response")

    def admin(self, verb, **fields):
        return self.call(f"/ionstream.v1.Admin/{verb}", message(f"ionstream.v1.{verb}Request")(**fields), f"ionstream.v1.{verb}Response")

    def close(self):
        self.channel.close()


def detail_of(error):
    """The ErrorDetail inside grpc-status-details-bin."""
    raw = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = message("ionstream.v1.RpcStatus").FromString(raw)
    detail = message("ionstream.v1.ErrorDetail")()
    assert status.details[0].type_url.endswith("ionstream.v1.ErrorDetail"), status
    detail.ParseFromString(status.details[0].value)
    return detail


class WithBroker(unittest.TestCase):
    """One broker and one foreign client for all tests of a class."""
    settings = ()  # further arguments of ionstreamd

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.server = Broker(cls.folder.path / "data", *cls.settings).start()
        cls.client = Client(cls.server.address)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.kill()
        cls.folder.__exit__()
