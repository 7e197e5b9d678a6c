"""A disk that is full to the last byte, while a broker runs and when it starts: what health says, which changes are still possible, and
that space is used again without a restart. The disk is a small tmpfs in a mount namespace of this test."""
import json
import os
import re
import subprocess
import sys
import time
import unittest

from broker import Broker, Folder
from full_disk_test import NOT_SERVING, SERVING, WAIT_S, Health

DISK_BYTES = 64 << 20
FOREIGN_BYTES = 8 << 20  # more than the share of the disk that is not for records
IN_NAMESPACE = "ION_TEST_IN_NAMESPACE"
ROWS = (b"y" * 1000 + b"\n") * 20_000


class SmallDisk:
    """A mounted tmpfs with a broker's data directory, and a file of somebody else that takes what is left."""

    def __init__(self, folder):
        self.path = folder / "disk"
        self.path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(self.path)], check=True)
        self.data = self.path / "data"
        self.foreign = self.path / "foreign"
        self.foreign.write_bytes(b"\0" * FOREIGN_BYTES)

    def free(self):
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    def fill(self):
        """To the last page, also those that somebody gives back a moment later."""
        deadline = time.monotonic() + WAIT_S
        while self.free() > 0:
            try:
                with open(self.foreign, "ab", buffering=0) as file:
                    while True:
                        file.write(b"\0" * 4096)
            except OSError:
                if time.monotonic() > deadline:
                    raise

    def make_space(self):
        self.foreign.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@unittest.skipUnless(IN_NAMESPACE in os.environ, "mounting a small tmpfs is not permitted here")
class Produce(unittest.TestCase):
    """A disk that becomes full in the middle of a run that nobody watches."""

    def setUp(self):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        self.disk = SmallDisk(folder.path)
        self.addCleanup(self.disk.__exit__)
        self.broker = Broker(self.disk.data)
        self.broker.log_path = folder.path / "log"  # not on the disk that becomes full
        self.broker.start()
        self.addCleanup(self.broker.kill)

    # Their batches have all sizes, so that one of them may find the space that another did not.
    @staticmethod
    def rows(keys):
        return [b"k%d %07d%s" % (i % keys, i, b"z" * (i * 7919 % 3000)) for i in range(1, 60_001)]

    def test_nothing_is_stored_behind_what_found_no_space_and_the_records_are_named(self):
        for partitions, keys in ((1, 1), (4, 16)):
            with self.subTest(partitions=partitions):
                topic = f"t{partitions}"
                self.broker.ion("topic", "create", topic, "-p", partitions)
                rows = self.rows(keys)
                done = self.broker.ion("produce", topic, "-z", "none", "-f", "%k %v\n", stdin=b"\n".join(rows), check=False)
                said = done.stderr.decode()
                self.assertEqual(done.returncode, 3, said)
                told = re.search(r"stopped after (\d+) records were read: (\d+) delivered, (\d+) failed, the first of them record (\d+);", said)
                read, delivered, failed, first = map(int, told.groups())
                self.assertEqual(read, delivered + failed)
                numbers = [int(line[:7]) for line in self.broker.ion("consume", topic, "-e", "-f", "%v\n").stdout.split()]
                self.assertEqual(len(numbers), delivered)
                stored = set(numbers)
                self.assertEqual(first, min(i for i in range(1, read + 1) if i not in stored))
                for key in range(keys):
                    sent = [i for i in range(1, read + 1) if i % keys == key]
                    there = [i for i in sent if i in stored]
                    self.assertEqual(there, sent[:len(there)], "a record is stored behind one that is not")
                self.assertIn("failed with NO_SPACE: record", said)
                if partitions == 1:
                    self.assertIn(f"failed with NO_SPACE: records {delivered + 1}-{read}\n", said)
                self.assertLess(len(said.splitlines()), 6, said)
                self.broker.ion("topic", "delete", "-y", topic)


@unittest.skipUnless(IN_NAMESPACE in os.environ, "mounting a small tmpfs is not permitted here")
class FullToTheLastByte(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        self.disk = SmallDisk(folder.path)
        self.addCleanup(self.disk.__exit__)
        # Segments that wait ready would be there for a while after a refusal. A start after a kill gives back what was prepared.
        self.broker = Broker(self.disk.data, "--set", "plugins.storage-mmap.config.prepare_ahead=0")
        self.broker.log_path = folder.path / "log"  # not on the disk that becomes full
        self.broker.start()
        self.addCleanup(self.broker.kill)
        for topic in ("large", "kept"):
            self.broker.ion("topic", "create", topic, "-p", "2")
            self.broker.ion("produce", topic, stdin=b"before\n")

    def fill(self):
        while self.broker.ion("produce", "large", "-z", "none", stdin=ROWS, check=False).returncode == 0:
            pass
        self.disk.fill()

    def restart_on_a_full_disk(self, end):
        end()
        self.disk.fill()
        self.broker.start()

    def stop(self):
        self.assertEqual(self.broker.stop(), 0)

    def info(self):
        return json.loads(self.broker.ion("--format", "json", "cluster", "info").stdout)

    def refused(self, *words, stdin=None):
        done = self.broker.ion(*words, stdin=stdin, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"NO_SPACE", done.stderr)

    def health_becomes(self, wanted):
        for now in Health(self.broker.address).watch("ionstream.writes"):
            if now == wanted:
                return

    def until(self, what, holds):
        deadline = time.monotonic() + WAIT_S
        while not holds():
            self.assertLess(time.monotonic(), deadline, f"not in time: {what}\n{self.broker.log_text()}")
            time.sleep(0.02)

    def values(self, topic):
        return sorted(self.broker.ion("consume", topic, "-e", "-f", "%v\n").stdout.split())

    def takes_all_again(self):
        """Everything at the first attempt, on this broker and on the next one."""
        self.health_becomes(SERVING)
        self.assertEqual((self.info()["writes"], self.info()["problems"]), ("taken", []))
        self.broker.ion("produce", "kept", stdin=b"after\n")
        self.broker.ion("topic", "create", "new")
        self.assertEqual((self.disk.data / "reserve").stat().st_size, 2 << 20)
        self.assertEqual(self.broker.stop(), 0)
        self.broker.start()
        self.assertEqual(self.values("kept"), [b"after", b"before"])

    def test_a_restarted_broker_says_at_once_that_it_takes_no_writes_and_a_delete_makes_space_that_is_used(self):
        self.fill()
        self.restart_on_a_full_disk(self.stop)
        self.assertEqual(Health(self.broker.address).check("ionstream.writes"), NOT_SERVING)
        info = self.info()
        self.assertEqual((info["state"], info["writes"]), ("serving", "refused"))
        self.assertEqual([p["part"] for p in info["problems"]], ["storage"])
        self.assertEqual(self.values("kept"), [b"before"])
        self.refused("produce", "kept", "-z", "none", stdin=ROWS)
        self.refused("topic", "create", "new")
        self.assertEqual(self.info()["writes"], "refused")
        self.broker.ion("topic", "delete", "-y", "large")
        self.takes_all_again()

    def test_a_running_broker_takes_a_delete_on_a_full_disk(self):
        self.fill()
        self.broker.ion("topic", "delete", "-y", "large")
        self.takes_all_again()

    def test_a_broker_that_was_stopped_in_order_takes_a_delete_when_the_disk_became_full_meanwhile(self):
        self.fill()
        self.restart_on_a_full_disk(self.stop)
        self.broker.ion("topic", "delete", "-y", "large")
        self.takes_all_again()

    def test_space_that_somebody_else_makes_is_used_by_itself_also_by_the_metadata_log(self):
        self.fill()
        self.restart_on_a_full_disk(self.stop)
        self.assertIn("the metadata log takes no entries now", self.broker.log_text())
        self.disk.make_space()
        self.until("the metadata log is tried again", lambda: "the metadata log takes entries again" in self.broker.log_text())
        self.health_becomes(SERVING)
        self.broker.ion("topic", "delete", "-y", "large")
        self.takes_all_again()

    def test_many_topics_are_deleted_though_what_becomes_free_is_taken_by_somebody_else(self):
        many = [f"small{i}" for i in range(20)]
        self.broker.ion("topic", "create", *many)
        self.fill()
        self.restart_on_a_full_disk(self.broker.kill)
        for topic in many:
            self.broker.ion("topic", "delete", "-y", topic)
            self.disk.fill()
        self.assertEqual(self.broker.ion("topic", "list", "--format", "json").stdout.count(b"small"), 0)
        self.broker.ion("topic", "delete", "-y", "large")
        self.takes_all_again()


def enter_namespace():
    """Becomes this test in a mount namespace of its own, if that is allowed."""
    os.environ[IN_NAMESPACE] = "1"
    for how in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        allowed = subprocess.run([*how, "mount", "-t", "tmpfs", "none", "/mnt"], stdin=subprocess.DEVNULL, capture_output=True)
        if allowed.returncode == 0:
            os.execvp(how[0], [*how, sys.executable, "-B", *sys.argv])
    del os.environ[IN_NAMESPACE]


if __name__ == "__main__":
    if IN_NAMESPACE not in os.environ:
        enter_namespace()
    unittest.main()
