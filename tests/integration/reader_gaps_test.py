"""Readers under way while a topic changes: partitions are added, records are deleted before they are read."""
import os
import queue
import subprocess
import threading
import time
import unittest

from broker import Broker, Folder, ION

LIMIT_S = 60


class Consumer:
    """An `ion consume` that runs, line by line."""

    def __init__(self, broker, *args):
        self.process = subprocess.Popen([str(ION), "--brokers", broker.address, "consume", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.said = []
        self.threads = [threading.Thread(target=self._read_out), threading.Thread(target=self._read_said)]
        for thread in self.threads:
            thread.start()

    def _read_out(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def _read_said(self):
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))

    def next(self):
        return self.lines.get(timeout=LIMIT_S)

    def freeze(self):
        os.kill(self.process.pid, 19)  # SIGSTOP

    def thaw(self):
        os.kill(self.process.pid, 18)  # SIGCONT

    def ended(self):
        code = self.process.wait(LIMIT_S)
        for thread in self.threads:
            thread.join(LIMIT_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.ended()


class Wide(unittest.TestCase):
    def test_a_topic_of_more_than_a_thousand_partitions_is_followed(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("--timeout", "60s", "topic", "create", "wide", "-p", "1100")
            with Consumer(broker, "wide", "-o", "start", "-n", "3", "-f", "%p %v\\n") as consumer:
                for partition in ("0", "1050", "1099"):
                    broker.ion("produce", "wide", "-p", partition, stdin=b"found\n")
                    self.assertEqual(consumer.next(), f"{partition} found")
                self.assertEqual(consumer.ended(), 0, consumer.said)
            self.assertEqual(broker.stop(), 0)


class Added(unittest.TestCase):
    def test_a_running_consume_finds_added_partitions_and_misses_nothing_of_them(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            broker.ion("produce", "orders", stdin=b"old\n")
            with Consumer(broker, "orders", "-o", "end", "-f", "%p %o %v\n") as all_of_it, Consumer(broker, "orders", "-p", "0", "-f", "%p %o %v\n") as one:
                self.assertEqual(one.next(), "0 0 old")
                # It is at the end only when it has read what came after it began.
                deadline = time.monotonic() + LIMIT_S
                while all_of_it.lines.empty():
                    self.assertLess(time.monotonic(), deadline)
                    broker.ion("produce", "orders", "-p", "0", stdin=b"now\n")
                    time.sleep(0.2)
                broker.ion("topic", "add-partitions", "orders", "-p", "3")
                broker.ion("produce", "orders", "-p", "2", stdin=b"first\nsecond\n")
                seen = []
                while len(seen) < 2:
                    line = all_of_it.next()
                    if line.startswith("2 "):
                        seen.append(line)
                self.assertEqual(seen, ["2 0 first", "2 1 second"])
                broker.ion("produce", "orders", "-p", "0", stdin=b"last\n")
                while not (line := one.next()).endswith("last"):
                    self.assertTrue(line.startswith("0 "), line)
                self.assertTrue(line.startswith("0 "), "one partition was asked for")
            self.assertEqual(broker.stop(), 0)


class Overtaken(unittest.TestCase):
    """Records of 200 KB against a reader that does not take: what it has not read is deleted."""

    def overtake(self, broker, *args):
        broker.ion("topic", "create", "orders", "-c", "durability=os")
        consumer = Consumer(broker, "orders", "-f", "%o\n", *args)
        broker.ion("produce", "orders", "-p", "0", stdin=b"x\n")
        self.assertEqual(consumer.next(), "0")
        consumer.freeze()
        for _ in range(2):
            broker.ion("produce", "orders", "-p", "0", stdin=(b"x" * 200_000 + b"\n") * 300)  # beyond its credit
        broker.ion("topic", "trim", "orders", "-p", "0", "--before", "599", "-y")
        consumer.thaw()
        return consumer

    def test_a_consume_that_is_overtaken_goes_on_and_tells_the_gap_once(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            with self.overtake(broker, "-n", "1000000", "-o", "start") as consumer:
                read = []
                while not read or read[-1] != 600:
                    read.append(int(consumer.next()))
                consumer.process.terminate()
                self.assertEqual(consumer.ended(), 3, consumer.said)
                gaps = [line for line in consumer.said if "deleted before being read" in line]
                self.assertEqual(len(gaps), 1, consumer.said)
                last = read[-3]
                self.assertEqual(read, [*range(1, last + 1), 599, 600])
                self.assertIn(f"topic orders partition 0: offsets {last + 1} to 598 ({598 - last} of them) were deleted before being read; reading goes on at 599", gaps[0])
            self.assertEqual(broker.stop(), 0)

    def test_one_that_is_to_fail_ends_with_the_offsets(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            with self.overtake(broker, "--fail-on-gap") as consumer:
                self.assertEqual(consumer.ended(), 1, consumer.said)
                self.assertIn("OUT_OF_RANGE", consumer.said[-1])
                self.assertIn("were deleted before they were read", consumer.said[-1])
                self.assertIn("have 599 up to 601", consumer.said[-1])
            self.assertEqual(broker.stop(), 0)

    def test_who_reads_up_to_the_end_and_is_overtaken_ends_with_3(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            broker.ion("produce", "orders", "-p", "0", stdin=(b"x" * 200_000 + b"\n") * 600)
            with Consumer(broker, "orders", "-e", "-f", "%o\n") as consumer:
                self.assertEqual(consumer.next(), "0")
                consumer.freeze()
                broker.ion("topic", "trim", "orders", "-p", "0", "--before", "599", "-y")
                consumer.thaw()
                self.assertEqual(consumer.ended(), 3, consumer.said)
                read = [0]
                while not consumer.lines.empty():
                    read.append(int(consumer.next()))
                self.assertEqual(read[-1], 599)
                self.assertEqual(len([line for line in consumer.said if "reading goes on at 599" in line]), 1, consumer.said)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
