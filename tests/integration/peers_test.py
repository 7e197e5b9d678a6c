"""Peers that are not our client: they probe idle connections, wait for records in every way, vanish in crowds, and speak other protocols."""
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import grpc
from wire_test import Client, batch, message

from broker import Broker, Folder

WAIT_S = 30
QUICK_S = 5  # far below the waits that are asked for here, and far above what an answer takes on a busy machine


def timed(work):
    began = time.monotonic()
    answer = work()
    return time.monotonic() - began, answer


def until(what, holds):
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def descriptors(broker):
    return len(os.listdir(f"/proc/{broker.process.pid}/fd"))


class WithBroker(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.server = Broker(self.folder.path / "data").start()
        self.addCleanup(self.server.kill)
        self.client = Client(self.server.address)
        self.addCleanup(self.client.close)

    def topic(self, partitions=1):
        self.client.admin("CreateTopic", name="t", partitions=partitions)

    def produce(self, partition=0, values=(b"x",)):
        self.client.broker("Produce", topic="t", partition=partition, records=batch(list(values)))

    def subscribe(self, channel, *partitions, limit=60):
        request = message("ionstream.v1.SubscribeRequest")(parts=[dict(topic="t", partition=p, offset=0) for p in partitions])
        stream = channel.unary_stream("/ionstream.v1.Broker/Subscribe", request_serializer=lambda m: m.SerializeToString(),
                                      response_deserializer=message("ionstream.v1.FetchResponse").FromString)(request, timeout=limit)
        self.addCleanup(stream.cancel)
        return (frame for frame in stream if frame.records)


class Pings(WithBroker):
    def test_a_client_that_probes_an_idle_connection_every_two_seconds_keeps_its_subscription(self):
        self.topic()
        options = {"grpc.keepalive_time_ms": 2000, "grpc.keepalive_timeout_ms": 2000, "grpc.keepalive_permit_without_calls": 1, "grpc.http2.max_pings_without_data": 0,
                   "grpc.use_local_subchannel_pool": 1}
        with grpc.insecure_channel(self.server.address, options=list(options.items())) as channel:
            frames = self.subscribe(channel, 0)
            time.sleep(12)  # six probes; two of a kind that the broker does not want would have ended the connection
            self.produce()
            self.assertEqual(next(frames).base_offset, 0)


class LongPolls(WithBroker):
    def fetch(self, **fields):
        return timed(lambda: self.client.broker("Fetch", topic="t", **fields))

    def test_a_wait_ends_with_enough_bytes_and_otherwise_at_its_time(self):
        self.topic()
        took, got = self.fetch(offset=0)
        self.assertEqual((got.records, took < 1), (b"", True))
        took, got = self.fetch(offset=0, wait_ms=1500)
        self.assertEqual((got.records, got.next_offset), (b"", 0))
        self.assertGreaterEqual(took, 1.4)
        self.assertLess(took, QUICK_S)
        threading.Timer(0.5, self.produce).start()
        took, got = self.fetch(offset=0, wait_ms=20_000)
        self.assertTrue(got.records)
        self.assertLess(took, QUICK_S)
        took, got = self.fetch(offset=0, wait_ms=1500, bytes_min=1000)
        self.assertTrue(0 < len(got.records) < 1000)
        self.assertGreaterEqual(took, 1.4)
        threading.Timer(0.5, lambda: [self.produce(values=[b"y" * 600]) for _ in range(2)]).start()
        took, got = self.fetch(offset=0, wait_ms=20_000, bytes_min=1000)
        self.assertGreaterEqual(len(got.records), 1000)
        self.assertLess(took, QUICK_S)

    def test_more_bytes_than_an_answer_may_have_are_not_waited_for(self):
        self.topic()
        self.produce(values=[b"y" * 300])
        took, got = self.fetch(offset=0, wait_ms=10_000, bytes_min=1 << 40, bytes_max=200)
        self.assertTrue(got.records)
        self.assertLess(took, QUICK_S)

    def test_the_deadline_of_the_call_ends_a_longer_wait(self):
        self.topic()
        request = message("ionstream.v1.FetchRequest")(topic="t", offset=0, wait_ms=20_000)
        with self.assertRaises(grpc.RpcError) as caught:
            took, _ = timed(lambda: self.client.call("/ionstream.v1.Broker/Fetch", request, "ionstream.v1.FetchResponse", timeout=1))
            self.assertLess(took, QUICK_S)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_a_record_of_one_partition_is_not_held_up_by_the_silence_of_another(self):
        self.topic(3)
        frames = self.subscribe(self.client.channel, 1, 2)
        for partition in (2, 1, 2, 2, 1):
            self.produce(partition)
            took, frame = timed(lambda: next(frames))
            self.assertEqual(frame.partition, partition)
            self.assertLess(took, QUICK_S)


CROWD = """
import sys, time, grpc
channels = [grpc.insecure_channel(sys.argv[1], options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(int(sys.argv[2]))]
topic = bytes([10, 1]) + b"t"
subscribe = bytes([10, len(topic)]) + topic
fetch = topic + bytes([48, 176, 234, 1])  # a wait of 30 s
calls = [c.unary_stream("/ionstream.v1.Broker/Subscribe")(subscribe) for c in channels]
calls += [c.unary_unary("/ionstream.v1.Broker/Fetch").future(fetch) for c in channels]
time.sleep(300)
"""


class Crowds(WithBroker):
    PEERS = 100

    def test_clients_that_vanish_with_their_calls_give_their_descriptors_back(self):
        self.topic()
        self.produce()
        before = descriptors(self.server)
        for _ in range(2):
            crowd = subprocess.Popen([sys.executable, "-c", CROWD, self.server.address, str(self.PEERS)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            try:
                until("they are all there", lambda: descriptors(self.server) >= before + self.PEERS)
            finally:
                crowd.kill()
                crowd.wait(WAIT_S)
            until("their descriptors are back", lambda: descriptors(self.server) <= before + 3)
        self.produce()
        took, code = timed(self.server.stop)
        self.assertEqual(code, 0)
        self.assertLess(took, 10)


class OtherProtocols(WithBroker):
    KAFKA = struct.pack(">ihhih", 25, 18, 3, 1, 11) + b"rdkafka-cli\0\0"
    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    SPOKEN = (b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n", b"PUT /t HTTP/1.0\r\nContent-Length: 999999999\r\n\r\n", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(194)),
              KAFKA, bytes(range(256)) * 20, PREFACE + bytes(range(256)), PREFACE + b"\xff\xff\xff\0\0\0\0\0\1", b"")

    def test_they_harm_nobody_and_leave_nothing_behind(self):
        self.topic()
        self.produce()
        before = descriptors(self.server)
        host, port = self.server.address.split(":")
        for _ in range(5):
            peers = [socket.create_connection((host, int(port)), timeout=QUICK_S) for _ in self.SPOKEN]
            for peer, bytes_said in zip(peers, self.SPOKEN):
                peer.sendall(bytes_said)
            took, _ = timed(self.produce)
            self.assertLess(took, QUICK_S)
            for peer in peers:
                peer.close()
        until("their descriptors are back", lambda: descriptors(self.server) <= before + 3)
        self.assertEqual(self.server.ion("consume", "t", "-o", "start", "-e", "-f", "%v ").stdout, b"x " * 6)
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
