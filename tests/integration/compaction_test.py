"""Topics that keep the newest record of each key, from the command line: an idle topic, tombstones, kill -9 while it compacts, times."""
import json
import random
import time
import unittest

from broker import Broker, Folder

QUICK = ("-c", "cleanup.policy=compact", "-c", "min.cleanable.dirty.ratio=0.01", "-c", "segment.ms=1000")


def read(broker, topic, *words):
    """(offset, key, value) of all records; a record without a value has None."""
    lines = broker.ion("consume", topic, "-e", *(words or ("-o", "start")), "-f", "json").stdout.decode().splitlines()
    return [(record["offset"], record["key"], record["value"]) for record in map(json.loads, lines)]


def put(broker, topic, pairs, *words):
    broker.ion("produce", topic, *words, "-f", "%k %v\\n", stdin="".join(f"{k} {v}\n" for k, v in pairs).encode())


def wait_until(test, broker, topic, wanted, seconds=60):
    deadline = time.monotonic() + seconds
    while (have := read(broker, topic)) != wanted:
        test.assertLess(time.monotonic(), deadline, (have[:20], broker.log_text()[-2000:]))
        time.sleep(0.5)


class Compaction(unittest.TestCase):
    def test_an_idle_topic_keeps_the_newest_record_of_each_key(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", *QUICK)
            put(broker, "t", [("a", "1"), ("b", "1"), ("a", "2")])
            put(broker, "t", [("c", "1"), ("b", "2")], "-z", "zstd")
            wait_until(self, broker, "t", [(2, "a", "2"), (3, "c", "1"), (4, "b", "2")])
            [shown] = json.loads(broker.ion("--format", "json", "topic", "describe", "t").stdout)
            self.assertEqual((shown["partition_rows"][0]["log_start"], shown["partition_rows"][0]["high_watermark"]), (0, 5))
            self.assertEqual(shown["config"]["cleanup.policy"], "compact")
            self.assertIn("partition compacted", broker.log_text())
            self.assertEqual(broker.stop(), 0)

    def test_a_tombstone_deletes_its_key_and_goes(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", *QUICK, "-c", "delete.retention.ms=1000")
            put(broker, "t", [("a", "1"), ("b", "1")])
            broker.ion("produce", "t", "-k", "a", "-Z", stdin=b"\n")
            self.assertEqual(read(broker, "t")[2][1:], ("a", None))
            wait_until(self, broker, "t", [(1, "b", "1")])
            self.assertEqual(broker.stop(), 0)

    def test_a_record_without_a_key_is_refused_with_its_index(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-c", "cleanup.policy=delete,compact")
            for codec in ("none", "zstd"):
                refused = broker.ion("produce", "t", "-z", codec, stdin=b"x" * 5000 + b"\n", check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn("record 0 of 1: it has no key", refused.stderr.decode())
            put(broker, "t", [("k", "1")])
            self.assertEqual(read(broker, "t"), [(0, "k", "1")])
            self.assertEqual(broker.stop(), 0)

    def test_a_time_is_found_behind_records_that_are_gone(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", *QUICK)
            stamp = 1767225600000
            for i, key in enumerate("abcabd"):
                broker.ion("produce", "t", "-f", "%d %k %v\\n", stdin=f"{stamp + i * 1000} {key} {i}\n".encode())
            wait_until(self, broker, "t", [(2, "c", "2"), (3, "a", "3"), (4, "b", "4"), (5, "d", "5")])
            self.assertEqual([r[0] for r in read(broker, "t", "-o", f"@{stamp}")], [2, 3, 4, 5])
            self.assertEqual([r[0] for r in read(broker, "t", "-o", f"@{stamp + 4000}")], [4, 5])
            self.assertEqual([r[0] for r in read(broker, "t", "-o", "0")], [2, 3, 4, 5])
            ident = broker.ion("consume", "t", "-e", "-o", "3:4", "-f", "%u\n").stdout.decode().strip()
            self.assertEqual(broker.ion("get", ident, "-f", "%v\n").stdout.decode(), "3\n")
            self.assertEqual(broker.stop(), 0)

    def test_kills_while_it_compacts_lose_nothing(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        with self.subTest(seed=seed), Folder() as folder, Broker(folder / "data", "--set", "topics.compaction_bytes_per_second=2MiB") as broker:
            broker.ion("topic", "create", "t", *QUICK, "-c", "segment.bytes=64KiB")
            newest = {}
            for round_ in range(4):
                pairs = [(f"k{rng.randrange(300)}", f"{round_}-{i}-" + "x" * 400) for i in range(2000)]
                put(broker, "t", pairs)
                newest.update(pairs)
                time.sleep(rng.uniform(5, 9))
                broker.kill()
                broker.start()
                have = {}
                for _, key, value in read(broker, "t"):
                    have[key] = value
                self.assertEqual(have, newest)
            put(broker, "t", [("end", "1")])
            newest["end"] = "1"
            deadline = time.monotonic() + 60
            while len(records := read(broker, "t")) != len(newest):
                self.assertLess(time.monotonic(), deadline, (len(records), len(newest), broker.log_text()[-2000:]))
                time.sleep(0.5)
            self.assertEqual({key: value for _, key, value in records}, newest)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
