"""A full disk seen from outside: health of writes, `ion cluster info`, reads that go on, and all of it by itself when space is back."""
import json
import unittest

import grpc

from broker import Broker, Folder
from refusals_test import fill_disk, make_space

SERVING, NOT_SERVING = 1, 2
WAIT_S = 60
ROWS = (b"y" * 1000 + b"\n") * 1000


class Health:
    """grpc.health.v1 with its two messages written by hand: field 1 is a text in the request and a number in the answer."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)

    @staticmethod
    def request(service):
        return bytes([0x0A, len(service)]) + service.encode() if service else b""

    def check(self, service):
        return self.channel.unary_unary("/grpc.health.v1.Health/Check")(self.request(service), timeout=WAIT_S)[1]

    def watch(self, service):
        for answer in self.channel.unary_stream("/grpc.health.v1.Health/Watch")(self.request(service), timeout=4 * WAIT_S):
            yield answer[1]


class FullDisk(unittest.TestCase):
    def info(self, broker):
        return json.loads(broker.ion("--format", "json", "cluster", "info").stdout)

    def test_writes_are_told_as_refused_while_the_broker_serves_readers_and_come_back_without_a_write(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "4")
            broker.ion("produce", "t", stdin=b"before\n")
            health = Health(broker.address)
            writes = health.watch("ionstream.writes")
            self.assertEqual(next(writes), SERVING)
            info = self.info(broker)
            self.assertEqual((info["state"], info["writes"], info["problems"]), ("serving", "taken", []))
            fill_disk(broker)
            for partition in range(4):
                for _ in range(50):
                    if broker.ion("produce", "t", "-z", "none", "-p", str(partition), stdin=ROWS, check=False).returncode != 0:
                        break
            self.assertEqual(next(writes), NOT_SERVING)
            self.assertEqual(health.check("ionstream.writes"), NOT_SERVING)
            self.assertEqual(health.check(""), SERVING)
            info = self.info(broker)
            self.assertEqual((info["state"], info["writes"]), ("serving", "refused"))
            self.assertEqual([(p["part"], p["writes"]) for p in info["problems"]], [("storage", "refused")])  # one for four partitions
            self.assertIn("not serving for writes", info["problems"][0]["words"])
            self.assertIn("not serving for writes", broker.ion("cluster", "info").stdout.decode())
            self.assertIn(b"before", broker.ion("consume", "t", "-e", "-f", "%v\n").stdout)
            make_space(broker)
            self.assertEqual(next(writes), SERVING)
            self.assertEqual(self.info(broker)["problems"], [])
            broker.ion("produce", "t", stdin=b"after\n")
            self.assertIn(b"after", broker.ion("consume", "t", "-e", "-f", "%v\n").stdout)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
