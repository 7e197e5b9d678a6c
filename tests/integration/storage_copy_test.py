"""`ion storage copy`: a data directory moves to another one, with every record at its offset, and nobody serves half of it."""
import json
import signal
import subprocess
import unittest

from broker import ION, IONSTREAMD, Broker, Folder

LIMIT_S = 120


def config(folder, name, storage="storage-mmap", **settings):
    """A configuration of one broker; its data directory is beside it."""
    file = folder / f"{name}.jsonc"
    file.write_text(json.dumps({"node": {"data_dir": str(folder / name)}, "plugins": {
        storage: {"config": settings}, "consensus-single": {}, "partition-router": {}, "transport-grpc": {"config": {"listen": "127.0.0.1:0"}}}}))
    return file


def serve(folder, name):
    return Broker(folder / name, config=folder / f"{name}.jsonc", dev=False)


def copy(a, b):
    return subprocess.run([str(ION), "storage", "copy", "--from-config", str(a), "--to-config", str(b)], capture_output=True, text=True, timeout=LIMIT_S)


def records(broker, topic):
    out = broker.ion("consume", topic, "-o", "start", "-e", "-f", "%p %o %k %v\\n").stdout
    return sorted(out.splitlines())


class StorageCopy(unittest.TestCase):
    def fill(self, folder):
        with serve(folder, "a") as broker:
            broker.ion("topic", "create", "orders", "-p", "3")
            broker.ion("topic", "create", "trimmed", "-p", "1")
            broker.ion("produce", "orders", "-f", "%k %v\n", stdin=b"".join(b"k%d value-%d\n" % (i % 50, i) for i in range(2000)))
            broker.ion("produce", "trimmed", stdin=b"".join(b"%d\n" % i for i in range(100)))
            broker.ion("topic", "trim", "trimmed", "-p", "0", "--before", "40", "-y")
            before = {topic: records(broker, topic) for topic in ("orders", "trimmed")}
            self.assertEqual(broker.stop(), 0)
        self.assertEqual((len(before["orders"]), len(before["trimmed"])), (2000, 60))
        return before

    def test_a_copy_has_every_record_at_its_offset_and_goes_on(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b", segment_bytes=1 << 20)
            before = self.fill(folder)
            done = copy(a, b)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"from {folder / 'a'} to {folder / 'b'}, and compared them", done.stdout)
            self.assertRegex(done.stderr, r"copied (\d+) of \1 logs, \d+ batches")
            self.assertRegex(done.stderr, r"compared (\d+) of \1 logs")
            with serve(folder, "b") as broker:
                self.assertEqual({topic: records(broker, topic) for topic in before}, before)
                broker.ion("produce", "trimmed", stdin=b"more\n")
                self.assertIn(b"0 100  more", broker.ion("consume", "trimmed", "-o", "100", "-n", "1", "-f", "%p %o %k %v\n").stdout)
                self.assertEqual(broker.stop(), 0)
            with serve(folder, "a") as broker:  # the first one is as it was
                self.assertEqual({topic: records(broker, topic) for topic in before}, before)
            again = copy(a, b)
            self.assertEqual(again.returncode, 1)
            self.assertIn("wanted an empty storage to copy into", again.stderr)
            with serve(folder, "b") as broker:
                self.assertEqual(len(records(broker, "trimmed")), 61)

    def test_a_source_that_was_killed_is_copied_as_a_start_would_find_it(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b")
            with serve(folder, "a") as broker:
                broker.ion("topic", "create", "t")
                broker.ion("produce", "t", stdin=b"".join(b"%d\n" % i for i in range(500)))
                before = records(broker, "t")
                broker.kill()
            done = copy(a, b)
            self.assertEqual(done.returncode, 0, done.stderr)
            with serve(folder, "b") as broker:
                self.assertEqual(records(broker, "t"), before)

    def test_a_directory_that_a_broker_has_is_refused_on_either_side(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b")
            for running in ("a", "b"):
                with serve(folder, running) as broker:
                    refused = copy(a, b)
                    self.assertEqual(refused.returncode, 1)
                    self.assertIn(f"data directory {folder / running} is in use by another ionstreamd, process {broker.process.pid}", refused.stderr)
                    self.assertEqual(broker.stop(), 0)
            refused = copy(a, a)
            self.assertIn("both configurations have the data directory", refused.stderr)

    def test_a_copy_that_was_interrupted_is_refused_at_a_start_and_begun_anew(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b")
            before = self.fill(folder)
            process = subprocess.Popen([str(IONSTREAMD), "--config", str(a), "--copy-storage-to", str(b)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            mark = folder / "b" / "unfinished-copy"
            while not mark.exists() and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.stderr.read(), process.stderr.close(), process.wait(LIMIT_S)
            if not mark.exists():  # it was quicker; what it would have left is this
                mark.write_text(str(folder / "a"))
            start = subprocess.run([str(IONSTREAMD), "--config", str(b)], capture_output=True, text=True, timeout=LIMIT_S)
            self.assertEqual(start.returncode, 1)
            self.assertIn(f"holds an unfinished copy of {folder / 'a'}: run `ion storage copy` again", start.stderr)
            done = copy(a, b)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("is removed, and begun anew", done.stderr)
            self.assertFalse(mark.exists())
            with serve(folder, "b") as broker:
                self.assertEqual({topic: records(broker, topic) for topic in before}, before)

    def test_damage_is_not_copied_and_the_copy_stays_unfinished(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b")
            self.fill(folder)
            segment = max((folder / "a").glob("storage-mmap/logs/p+*/*.log"), key=lambda f: f.stat().st_size)
            content = bytearray(segment.read_bytes())
            content[200] ^= 1
            segment.write_bytes(content)
            done = copy(a, b)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"log p/[0-9a-f-]+/\d: .*(damaged|cannot be read)")
            self.assertTrue((folder / "b" / "unfinished-copy").exists())

    def test_memory_is_no_place_to_copy_to(self):
        with Folder() as folder:
            a, b = config(folder, "a"), config(folder, "b", storage="storage-memory")
            done = copy(a, b)
            self.assertEqual(done.returncode, 1)
            self.assertIn("keeps records in memory only", done.stderr)

    def test_both_configurations_must_be_said(self):
        done = subprocess.run([str(ION), "storage", "copy", "--from-config", "x"], capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 2)
        self.assertIn("want --from-config FILE and --to-config FILE", done.stderr)


if __name__ == "__main__":
    unittest.main()
