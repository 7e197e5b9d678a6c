"""kill -9 under load, again and again: what was acknowledged is read back, in order, once.

The producer is one `ion produce` over the whole test: it meets every crash, retries by itself on the same port, and prints a line
per acknowledged record. ION_KILLS sets the number of cycles (20 in every run, more at night).
"""
import os
import random
import subprocess
import threading
import time
import unittest

from broker import ION, Broker, Folder

KILLS = int(os.environ.get("ION_KILLS", "22"))
SEED = int(os.environ.get("ION_SEED", "20"))
LIMIT_S = 600


class Load(threading.Thread):
    """Feeds numbered lines to `ion produce` until told to stop."""

    def __init__(self, address, topic):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(
            [str(ION), "--brokers", address, "produce", topic, "--delivery-timeout", "120s", "-o", "%p %o %v\n"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.ending = threading.Event()
        self.sent = 0
        self.acked = []  # (partition, offset, number), in the order of the acks
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def run(self):
        while not self.ending.is_set():
            block = b"".join(b"%d\n" % (self.sent + i) for i in range(50))
            self.process.stdin.write(block)
            self.process.stdin.flush()
            self.sent += 50
            time.sleep(0.002)
        self.process.stdin.close()

    def read(self):
        for row in self.process.stdout:
            partition, offset, number = row.split()
            self.acked.append((int(partition), int(offset), int(number)))

    def finish(self):
        self.ending.set()
        self.join(LIMIT_S)
        self.reader.join(LIMIT_S)
        code = self.process.wait(LIMIT_S)
        words = self.process.stderr.read().decode(errors="replace")
        self.process.stdout.close()
        self.process.stderr.close()
        return code, words


class Kill(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_or_doubled(self):
        print(f"seed {SEED}, {KILLS} kills")
        draw = random.Random(SEED)
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "3", "-c", "segment.bytes=64KiB")
            load = Load(broker.address, "t")
            load.start()
            for cycle in range(KILLS):
                before = len(load.acked)
                deadline = time.monotonic() + LIMIT_S
                want = before + draw.randrange(1, 2000)
                while len(load.acked) < want:
                    self.assertLess(time.monotonic(), deadline, f"cycle {cycle}: no progress after a restart\n{broker.log_text()[-4000:]}")
                    self.assertIsNone(load.process.poll(), "the producer gave up")
                    time.sleep(0.001)
                broker.kill()
                broker.start()
            code, words = load.finish()
            self.assertEqual(code, 0, words)
            self.assertEqual(len(load.acked), load.sent, words)

            rows = broker.ion("consume", "t", "-o", "start", "-e", "-f", "%p %o %v\n").stdout.splitlines()
            stored = [tuple(int(x) for x in row.split()) for row in rows]
            at = {(p, o): v for p, o, v in stored}
            self.assertEqual(len(at), len(stored), "one offset was read twice")
            for p, o, v in load.acked:
                self.assertEqual(at.get((p, o)), v, f"acknowledged {v} at {p}/{o}")
            numbers = sorted(v for _, _, v in stored)
            self.assertEqual(numbers, list(range(load.sent)), "lost or doubled")
            for partition in range(3):
                in_order = [v for p, _, v in sorted(stored) if p == partition]
                self.assertEqual(in_order, sorted(in_order), f"order in partition {partition}")
            print(f"{load.sent} records, {KILLS} kills, {len(load.acked)} acknowledged, none lost, none doubled")
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
