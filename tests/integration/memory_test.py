"""Memory of the broker under clients that send much at once and readers that take nothing: within the budget, with refusals that say so, and
given back afterwards."""
import pathlib
import re
import threading
import time
import unittest

import raw_http2
import wire_test as wire
from broker import Broker, Folder

READERS_BUDGET_MIB = 64
PRODUCERS_BUDGET_MIB = 128  # gRPC takes memory first and ends calls a moment later: that moment costs the same whatever the budget is
PRODUCERS = 24
BOUND = 1.25
SETTLE_LIMIT_S = 30
NOT_WORTH_MIB = 8  # the broker gives freed memory back when there is more of it
KEY = "plugins.transport-grpc.config.memory_bytes_max"
ENHANCE_YOUR_CALM = b"\x00\x00\x00\x0b"


def anonymous_mib(broker):
    return int(re.search(r"^RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{broker.process.pid}/status").read_text(), re.M).group(1)) / 1024


class Memory(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.server = None
        self.calls = []

    def tearDown(self):
        for call in self.calls:
            call.close()
        self.server.kill()
        self.folder.__exit__()

    def start(self, budget_mib):
        self.server = Broker(self.folder.path / "data", "--set", f"{KEY}={budget_mib}MiB").start()

    def open(self, method):
        call = raw_http2.Call(self.server.address, method)
        self.calls.append(call)
        return call

    def settled(self):
        """Memory when it grows no more."""
        looks, deadline = [anonymous_mib(self.server)], time.monotonic() + SETTLE_LIMIT_S
        while time.monotonic() < deadline and (len(looks) < 15 or max(looks[-10:]) - min(looks[-10:]) > 1):
            time.sleep(0.1)
            looks.append(anonymous_mib(self.server))
        return max(looks)

    def gives_back(self, before, most):
        """Four fifths of what it took."""
        mib = before + (most - before) / 5 + NOT_WORTH_MIB
        deadline = time.monotonic() + SETTLE_LIMIT_S
        while time.monotonic() < deadline:
            if anonymous_mib(self.server) <= mib:
                return True
            time.sleep(0.1)
        return False

    def test_producers_that_send_more_than_the_budget_are_refused_in_words_and_the_memory_comes_back(self):
        self.start(PRODUCERS_BUDGET_MIB)
        before = anonymous_mib(self.server)
        message = raw_http2.message(bytes(15_000_000))
        producers = [self.open("/ionstream.v1.Broker/ProduceStream") for _ in range(PRODUCERS)]
        senders = [threading.Thread(target=p.send, args=(message[:-1000],)) for p in producers]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
        self.assertFalse(any(s.is_alive() for s in senders), "a producer is neither taken nor refused")
        most = self.settled()
        self.assertLessEqual(most - before, BOUND * PRODUCERS_BUDGET_MIB)
        for producer in producers:
            producer.look()
        refused = [p for p in producers if p.ended]
        self.assertGreaterEqual(len(refused), PRODUCERS - BOUND * PRODUCERS_BUDGET_MIB * (1 << 20) // 15_000_000)
        self.assertTrue(any(ENHANCE_YOUR_CALM in p.trailers for p in refused), [p.trailers for p in refused])
        for producer in producers:
            producer.close()
        self.assertTrue(self.gives_back(before, most), f"{before:.0f}, {most:.0f}, {anonymous_mib(self.server):.0f} MiB")
        self.assertEqual(self.server.stop(), 0)

    def test_readers_that_take_nothing_hold_no_more_than_the_budget_and_who_finds_none_left_is_told(self):
        self.start(READERS_BUDGET_MIB)
        self.server.ion("topic", "create", "t")
        client = wire.Client(self.server.address)
        large = wire.framed(wire.record(b"x" * 1_000_000), 1)
        for _ in range(4):
            client.broker("Produce", topic="t", partition=0, records=large)
        client.close()
        before = anonymous_mib(self.server)
        request = wire.message("ionstream.v1.SubscribeRequest")(parts=[dict(topic="t", partition=0, offset=0)], delivery=2).SerializeToString()
        readers = [self.open("/ionstream.v1.Broker/Subscribe") for _ in range(60)]
        for reader in readers:
            reader.send(raw_http2.message(request), True)
        most = self.settled()
        self.assertLessEqual(most - before, BOUND * READERS_BUDGET_MIB)
        deadline = time.monotonic() + SETTLE_LIMIT_S
        ended = [None]
        while not any(ended) and time.monotonic() < deadline:
            for reader in readers:
                reader.look(10_000)
            ended = [r for r in readers if r.ended]
        self.assertTrue(ended, "nobody was told")
        self.assertTrue(all(b"grpc-status" in r.trailers for r in ended), [r.trailers for r in ended])
        for reader in readers:
            reader.close()
        self.assertTrue(self.gives_back(before, most), f"{before:.0f}, {most:.0f}, {anonymous_mib(self.server):.0f} MiB")
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
