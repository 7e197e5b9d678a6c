"""Settings of a topic that judge and change batches: times by the broker's clock, bounds of times, sizes."""
import json
import time
import unittest

from broker import Broker, Folder

HOUR = 3_600_000


def now():
    return int(time.time() * 1000)


def described(broker, topic):
    [shown] = json.loads(broker.ion("--format", "json", "topic", "describe", topic).stdout)
    return shown


class AppendTime(unittest.TestCase):
    def test_records_have_the_time_of_the_append_for_every_reader_and_in_the_acknowledgement(self):
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                broker.ion("topic", "create", "orders", "-c", "message.timestamp.type=LogAppendTime")
                self.assertEqual(described(broker, "orders")["config"]["message.timestamp.type"], "LogAppendTime")
                began = now()
                acks = []
                for stamp, value, codec in ((0, "oldest", "none"), (began + 9000 * HOUR, "future", "none"), (86_400_000, "packed", "zstd"), (5, "packed too", "lz4")):
                    acks.append(broker.ion("produce", "orders", "-f", "%d %v\\n", "-z", codec, "-o", "%d\\n", stdin=f"{stamp} {value} {'x' * 500}\n".encode()).stdout)
                ended = now()
                rows = [line.split(b" ") for line in broker.ion("consume", "orders", "-e", "-f", "%d %a{timestamp-type} %u %v\\n").stdout.splitlines()]
                self.assertEqual(len(rows), 4)
                for ack, row in zip(acks, rows):
                    self.assertEqual(ack.strip(), row[0], "what was acknowledged is what is read")
                    self.assertTrue(began <= int(row[0]) <= ended, row)
                    self.assertEqual(row[1].lower().replace(b"_", b""), b"logappendtime")
                    one = json.loads(broker.ion("get", row[2].decode()).stdout)
                    self.assertEqual(one["timestamp"], int(row[0]))
                self.assertEqual(sorted(int(r[0]) for r in rows), [int(r[0]) for r in rows])
                read = lambda *words: broker.ion("consume", "orders", "-e", "-f", "%v\n", *words).stdout.decode().split("\n")[0].split(" ")[0]
                self.assertEqual(read("-o", "@1970-01-02"), "oldest", "its producer's time says nothing")
                self.assertEqual(read("-o", f"@{int(rows[2][0])}"), [r for r in rows if int(r[0]) >= int(rows[2][0])][0][3].decode())
                broker.ion("topic", "alter", "orders", "-c", "message.timestamp.type=CreateTime")
                broker.ion("produce", "orders", "-f", "%d %v\\n", stdin=b"77 mine\n")
                self.assertIn(b"77 createtime mine", broker.ion("consume", "orders", "-e", "-o", "-1", "-f", "%d %a{timestamp-type} %v\\n").stdout.lower().replace(b"_", b""))
                broker.kill()
            with Broker(folder / "data") as broker:  # what was written is proved by its checksum
                self.assertEqual(len(broker.ion("consume", "orders", "-e", "-f", "%v\\n").stdout.splitlines()), 5)
                self.assertEqual(described(broker, "orders")["partition_rows"][0]["health"], "OK")
                self.assertEqual(broker.stop(), 0)


class Bounds(unittest.TestCase):
    def test_times_too_far_from_the_clock_are_refused_with_record_and_both_values(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            late = now() + 2 * HOUR
            broker.ion("produce", "orders", "-f", "%d %v\\n", stdin=f"{2**48 - 1} any time\n".encode())
            broker.ion("topic", "alter", "orders", "-c", "message.timestamp.after.max.ms=1h")
            lines = f"{now()} fine\n{late} late\n{now()} fine too\n".encode()
            done = broker.ion("produce", "orders", "-p", "0", "-f", "%d %v\\n", stdin=lines, check=False)
            self.assertNotEqual(done.returncode, 0)
            said = done.stderr.decode()
            self.assertRegex(said, rf"has the timestamp {late}, \d+ ms ahead of the clock of the broker \(\d+\); topic orders takes at most 3600000 \(message.timestamp.after.max.ms\)")
            self.assertIn("INVALID_TIMESTAMP", said)
            broker.ion("topic", "alter", "orders", "-c", "message.timestamp.after.max.ms=-1", "-c", "message.timestamp.before.max.ms=1d")
            broker.ion("produce", "orders", "-f", "%d %v\\n", stdin=f"{late} taken now\n".encode())
            for codec in ("none", "zstd"):
                old = broker.ion("produce", "orders", "-f", "%d %v\\n", "-z", codec, stdin=f"{now() - 25 * HOUR} {'old' * 200}\n".encode(), check=False)
                self.assertNotEqual(old.returncode, 0)
                self.assertRegex(old.stderr.decode(), r"ms behind the clock of the broker .* takes at most 86400000 \(message.timestamp.before.max.ms\)")
            self.assertEqual(broker.stop(), 0)

    def test_a_batch_and_its_topic_agree_on_a_size_that_clients_learn(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "small", "-c", "max.message.bytes=2KiB")
            broker.ion("produce", "small", "-p", "0", stdin=(b"x" * 300 + b"\n") * 200)
            self.assertEqual(len(broker.ion("consume", "small", "-e", "-f", "%o\\n").stdout.splitlines()), 200, "they go in batches that fit")
            large = broker.ion("produce", "small", "-p", "0", stdin=b"x" * 3000 + b"\n", check=False)
            self.assertNotEqual(large.returncode, 0)
            self.assertRegex(large.stderr.decode(), r"RECORD_TOO_LARGE.*3\d\d\d.*2048|3\d\d\d.*2048.*RECORD_TOO_LARGE")
            over = broker.ion("topic", "create", "huge", "-c", "max.message.bytes=1GiB", check=False)
            self.assertNotEqual(over.returncode, 0)
            self.assertRegex(over.stderr.decode(), r"max.message.bytes is 1073741824, this broker takes batches of \d+ bytes at most \(limits.batch_bytes_max\)")
            self.assertEqual(broker.ion("topic", "create", "one", "-c", "min.insync.replicas=1").returncode, 0)
            two = broker.ion("topic", "create", "two", "-c", "min.insync.replicas=2", check=False)
            self.assertIn("want 1, since a partition has one replica, have '2'", two.stderr.decode())
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
