"""Records that go and settings that change, from the command line: alter, add-partitions, trim, retention on a real clock, kill -9."""
import json
import time
import unittest

from broker import Broker, Folder


def described(broker, topic):
    [shown] = json.loads(broker.ion("--format", "json", "topic", "describe", topic).stdout)
    return shown


def refused(test, broker, code, *words):
    done = broker.ion(*words, check=False)
    test.assertEqual(done.returncode, code, done.stderr.decode())
    test.assertEqual(done.stdout, b"")
    return done.stderr.decode()


class Alter(unittest.TestCase):
    def test_settings_are_changed_shown_and_set_back(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders", "-c", "durability=os")
            dry = broker.ion("topic", "alter", "orders", "-c", "retention.ms=7d", "--dry-run")
            self.assertIn("a dry run, nothing was changed", dry.stderr.decode())
            self.assertEqual(described(broker, "orders")["config"]["retention.ms"], "-1")
            altered = broker.ion("topic", "alter", "orders", "-c", "retention.ms=7d", "-c", "retention.bytes=10GiB")
            self.assertIn(b"604800000", altered.stdout)
            config = described(broker, "orders")["config"]
            self.assertEqual((config["retention.ms"], config["retention.bytes"], config["durability"]), ("604800000", str(10 << 30), "os"))
            broker.ion("topic", "alter", "orders", "-u", "retention.bytes,durability")
            config = described(broker, "orders")["config"]
            self.assertEqual((config["retention.bytes"], config["durability"], config["retention.ms"]), ("-1", "fsync", "604800000"))
            self.assertEqual(broker.stop(), 0)

    def test_mistakes_are_told_with_what_was_wanted(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            self.assertIn("-c KEY=VALUE sets", refused(self, broker, 2, "topic", "alter", "orders"))
            self.assertIn("did you mean 'retention.ms'", refused(self, broker, 1, "topic", "alter", "orders", "-c", "retention.mss=1"))
            self.assertIn("did you mean 'retention.ms'", refused(self, broker, 1, "topic", "alter", "orders", "-u", "retention.mss"))
            said = refused(self, broker, 1, "topic", "alter", "orders", "-c", "retention.ms=0")
            self.assertIn("-1 for no limit", said)
            self.assertIn("topic 'nothing' is not there", refused(self, broker, 1, "topic", "alter", "nothing", "-c", "retention.ms=1h"))
            self.assertIn("cannot be set and set back", refused(self, broker, 1, "topic", "alter", "orders", "-c", "retention.ms=1h", "-u", "retention.ms"))
            self.assertEqual(broker.stop(), 0)

    def test_partitions_are_added_and_are_written_and_read(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            broker.ion("produce", "orders", stdin=b"one\n")
            self.assertIn("-p N is missing", refused(self, broker, 2, "topic", "add-partitions", "orders"))
            self.assertIn("partitions can only be added", refused(self, broker, 1, "topic", "add-partitions", "orders", "-p", "1"))
            self.assertIn("nothing was changed", broker.ion("topic", "add-partitions", "orders", "-p", "3", "--dry-run").stderr.decode())
            self.assertEqual(len(described(broker, "orders")["partition_rows"]), 1)
            added = broker.ion("topic", "add-partitions", "orders", "-p", "3")
            self.assertIn("may go to another partition", added.stderr.decode())
            broker.ion("produce", "orders", "-p", "2", stdin=b"two\n")
            self.assertEqual(sorted(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%p %v\n").stdout.splitlines()), [b"0 one", b"2 two"])
            self.assertEqual(broker.stop(), 0)


class Trim(unittest.TestCase):
    def test_records_before_an_offset_go_for_good(self):
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                broker.ion("topic", "create", "orders")
                broker.ion("produce", "orders", stdin=b"".join(b"%d\n" % i for i in range(10)))
                self.assertIn("-p N is missing", refused(self, broker, 2, "topic", "trim", "orders", "--before", "4", "-y"))
                self.assertIn("--before OFFSET is missing", refused(self, broker, 2, "topic", "trim", "orders", "-p", "0", "-y"))
                self.assertIn("-y confirms", refused(self, broker, 2, "topic", "trim", "orders", "-p", "0", "--before", "4"))
                self.assertIn("want an offset or", refused(self, broker, 2, "topic", "trim", "orders", "-p", "0", "--before", "soon", "-y"))
                self.assertIn("the last record is before 10", refused(self, broker, 1, "topic", "trim", "orders", "-p", "0", "--before", "11", "-y"))
                self.assertIn("want partition 7", refused(self, broker, 1, "topic", "trim", "orders", "-p", "7", "--before", "1", "-y"))
                shown = json.loads(broker.ion("--format", "json", "topic", "trim", "orders", "-p", "0", "--before", "4", "-y").stdout)
                self.assertEqual(shown[0]["log_start"], 4)
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%v ").stdout, b"4 5 6 7 8 9 ")
                broker.kill()
            with Broker(folder / "data") as broker:
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%v ").stdout, b"4 5 6 7 8 9 ")
                broker.ion("topic", "trim", "orders", "-p", "0", "--before", "end", "-y")
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%v ").stdout, b"")
                broker.ion("produce", "orders", stdin=b"next\n")
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%o %v ").stdout, b"10 next ")
                self.assertEqual(broker.stop(), 0)


class Times(unittest.TestCase):
    def test_a_reader_begins_and_ends_at_times(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders", "-p", "2")
            for partition, (stamp, value) in enumerate([("1767225600000", "new-year"), ("1767312000000", "second")]):
                broker.ion("produce", "orders", "-p", str(partition), "-f", "%d %v\\n", stdin=f"{stamp} {value}\n".encode())
            broker.ion("produce", "orders", "-p", "0", stdin=b"now\n")
            read = lambda *words: sorted(broker.ion("consume", "orders", "-e", "-f", "%v\n", *words).stdout.decode().split())
            self.assertEqual(read("-o", "@2026-01-01"), ["new-year", "now", "second"])
            self.assertEqual(read("-o", "@2026-01-01T00:00:01Z"), ["now", "second"])
            self.assertEqual(read("-o", "@1767225600:1h"), ["new-year"])
            self.assertEqual(read("-o", "@:2026-01-02"), ["new-year"])
            self.assertEqual(read("-o", "@-1h:end"), ["now"])
            self.assertIn("want @TIME", refused(self, broker, 2, "consume", "orders", "-o", "@yesterday"))
            self.assertIn("ends before it begins", refused(self, broker, 2, "consume", "orders", "-o", "@-1h:-2h"))
            self.assertEqual(broker.stop(), 0)


class Age(unittest.TestCase):
    def test_records_go_when_they_are_too_old_and_their_files_with_them(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders", "-c", "retention.ms=1s")
            broker.ion("produce", "orders", stdin=b"x" * 100_000 + b"\n")
            deadline = time.monotonic() + 60
            while described(broker, "orders")["partition_rows"][0]["log_start"] != 1:
                self.assertLess(time.monotonic(), deadline, described(broker, "orders"))
                time.sleep(0.2)
            self.assertEqual(described(broker, "orders")["partition_rows"][0]["bytes"], 0)
            broker.ion("produce", "orders", stdin=b"next\n")
            self.assertEqual(described(broker, "orders")["partition_rows"][0]["high_watermark"], 2)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
