"""The catalogue of topics: what it says, what it refuses, and what is left of it after a restart."""
import json
import os
import shutil
import time
import unittest

from broker import Broker, Folder, run_ionstreamd


def tree(folder):
    """Every file below a folder with its size and time of change: what a refused start must leave alone."""
    return {str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(folder.rglob("*")) if p.is_file()}


class MetadataLog(unittest.TestCase):
    def test_a_lost_metadata_log_beside_records_is_refused_and_put_back_all_is_there(self):
        with Folder() as folder:
            data = folder / "data"
            with Broker(data) as broker:
                broker.ion("topic", "create", "orders")
                broker.ion("produce", "orders", stdin=b"one\ntwo\n")
                self.assertEqual(broker.stop(), 0)
            lost = [p for p in data.rglob("raft*") if p.is_dir()]
            self.assertEqual(len(lost), 1, lost)
            shutil.move(lost[0], folder / "kept")
            logs = lambda: {n: s for n, s in tree(data).items() if "/p+" in "/" + n}
            before = logs()
            refused = run_ionstreamd("--dev", "--data-dir", data, "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0")
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("raft/metadata", refused.stderr)
            self.assertIn("Nothing was changed", refused.stderr)
            self.assertFalse(lost[0].exists(), "no new metadata log may be made beside records")
            self.assertEqual(logs(), before)
            shutil.move(folder / "kept", lost[0])
            with Broker(data) as broker:
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%v\n").stdout, b"one\ntwo\n")

    def test_files_of_others_in_the_data_directory_are_left_alone(self):
        with Folder() as folder:
            data = folder / "data"
            (data / "lost+found").mkdir(parents=True)
            (data / "notes.txt").write_text("mine")
            with Broker(data) as broker:
                broker.ion("topic", "create", "orders")
                broker.ion("produce", "orders", stdin=b"one\n")
                self.assertEqual(broker.stop(), 0)
            for log in [p for p in data.rglob("p+*") if p.is_dir()]:
                (log / ".left-by-an-editor").write_bytes(b"x")
                (log / "a-folder").mkdir()
            with Broker(data) as broker:
                self.assertEqual(broker.ion("consume", "orders", "-o", "start", "-e", "-f", "%v\n").stdout, b"one\n")
                broker.ion("topic", "delete", "orders", "-y")
                broker.ion("topic", "create", "orders")
                self.assertEqual(broker.stop(), 0)
            self.assertEqual((data / "notes.txt").read_text(), "mine")
            self.assertTrue((data / "lost+found").is_dir())


class Topics(unittest.TestCase):
    def test_a_dry_run_says_that_nothing_was_created(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            dry = broker.ion("topic", "create", "orders", "-p", "2", "--dry-run")
            self.assertEqual(dry.stderr, b"ion: topic create: a dry run, nothing was created\n")
            self.assertRegex(dry.stdout.decode(), r"(?m)^orders +2 +- +1 .*not created \(dry run\)")
            self.assertEqual(json.loads(broker.ion("--format", "json", "topic", "list").stdout), [])
            made = json.loads(broker.ion("--format", "json", "topic", "create", "orders").stdout)
            self.assertEqual(made[0]["result"], "created")
            for more in ((), ("--dry-run",)):
                there = json.loads(broker.ion("--format", "json", "topic", "create", "orders", "--if-not-exists", *more).stdout)
                self.assertEqual(there[0]["result"], "exists")

    def test_a_wide_topic_is_created_at_once_and_every_partition_gets_ready(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "wide", "-p", "300")
            deadline = time.monotonic() + 60
            while True:
                [shown] = json.loads(broker.ion("--format", "json", "topic", "describe", "wide").stdout)
                self.assertEqual(len(shown["partition_rows"]), 300)
                waiting = [p for p in shown["partition_rows"] if p["high_watermark"] is None]
                if not waiting:
                    break
                self.assertLess(time.monotonic(), deadline, waiting)
            broker.ion("produce", "wide", "-p", "299", stdin=b"last\n")
            self.assertEqual(broker.ion("consume", "wide", "-p", "299", "-o", "start", "-e", "-f", "%v\n").stdout, b"last\n")
            self.assertEqual(broker.stop(), 0)

    def test_topics_that_look_alike_are_topics_of_their_own_also_after_a_restart(self):
        names = ["a.b", "a_b", "A.b", "a-b", "ab", "AB", "...", "_", "0", "x" * 249]
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                for i, name in enumerate(names):
                    broker.ion("topic", "create", name)
                    broker.ion("produce", name, stdin=b"of %d\n" % i)
                self.assertEqual(broker.stop(), 0)
            with Broker(folder / "data") as broker:
                for i, name in enumerate(names):
                    self.assertEqual(broker.ion("consume", name, "-o", "start", "-e", "-f", "%v\n").stdout, b"of %d\n" % i)
                for name in ("x" * 250, ".", "..", "a b", "a/b", "a\nb", "__ion_x"):
                    refused = broker.ion("topic", "create", "--", name, check=False)
                    self.assertNotEqual(refused.returncode, 0, name)
                    self.assertTrue(refused.stderr.strip(), name)

    def test_topics_that_come_and_go_leave_no_files_and_no_descriptors(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            def facts():
                files = sum(len(names) for _, _, names in os.walk(folder / "data"))  # passes over what is removed just now
                return len(os.listdir(f"/proc/{broker.process.pid}/fd")), files

            def once(name):
                broker.ion("topic", "create", name, "-p", "3", "-c", "segment.bytes=64KiB")
                broker.ion("produce", name, stdin=b"x" * 500 + b"\n")
                broker.ion("topic", "delete", name, "-y")

            for i in range(5):
                once(f"first{i}")
            before = facts()
            for i in range(15):
                once(f"then{i}")
            deadline = time.monotonic() + 30  # deleted logs are removed behind the answer
            while any(now > then + 8 for now, then in zip(facts(), before)):
                self.assertLess(time.monotonic(), deadline, (before, facts()))
            self.assertEqual(broker.stop(), 0)


class Partitions(unittest.TestCase):
    def test_one_that_cannot_be_opened_is_named_and_served_as_soon_as_it_can_be(self):
        with Folder() as folder:
            data = folder / "data"
            with Broker(data) as broker:
                broker.ion("topic", "create", "orders", "-p", "2")
                for partition in ("0", "1"):
                    broker.ion("produce", "orders", "-p", partition, stdin=b"of %s\n" % partition.encode())
                self.assertEqual(broker.stop(), 0)
            [log] = [p for p in data.rglob("p+*+1") if p.is_dir()]
            shutil.move(log, folder / "kept")
            log.write_bytes(b"not a folder")
            with Broker(data) as broker:
                self.assertEqual(broker.ion("consume", "orders", "-p", "0", "-o", "start", "-e", "-f", "%v\n").stdout, b"of 0\n")
                self.assertIn("partition=orders/1", broker.log_text())
                log.unlink()
                shutil.move(folder / "kept", log)
                self.assertEqual(broker.ion("--timeout", "60s", "consume", "orders", "-p", "1", "-o", "start", "-e", "-f", "%v\n").stdout, b"of 1\n")
                self.assertIn("is served now", broker.log_text())
                self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
