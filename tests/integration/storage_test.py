"""What the data directory is allowed to do to the broker, with real files: cut, damaged, lost, many."""
import os
import re
import unittest

from broker import Broker, Folder


def segments(folder, part="p+"):
    return sorted(p for p in (folder / "data").rglob("*.log") if p.parent.name.startswith(part))


def consumed(broker, topic, *more, check=True):
    return broker.ion("consume", topic, "-e", "-f", "%v\n", *more, check=check)


class StoredFiles(unittest.TestCase):
    def test_a_file_that_is_cut_under_its_map_is_an_error_of_its_reads_and_the_broker_goes_on(self):
        rows = b"".join(b"%07d %s\n" % (i, b"x" * 1000) for i in range(4000))
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "cut")
            broker.ion("produce", "cut", stdin=rows)
            self.assertEqual(consumed(broker, "cut", "-o", "start").stdout, rows)  # mapped, and in memory
            for file in segments(folder):
                os.truncate(file, 8192)
            self.assertNotEqual(consumed(broker, "cut", "-o", "start", check=False).returncode, 0)
            broker.ion("topic", "create", "other")
            broker.ion("produce", "other", stdin=b"goes on\n")
            self.assertEqual(consumed(broker, "other", "-o", "start").stdout, b"goes on\n")

    def test_the_words_of_damage_name_the_offset_from_which_reading_goes_on(self):
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                broker.ion("topic", "create", "t")
                for i in range(10):
                    broker.ion("produce", "t", "-z", "none", stdin=b"".join(b"record-%d\n" % (i * 10 + k) for k in range(10)))
                self.assertEqual(broker.stop(), 0)
                file = next(p for p in segments(folder) if b"record-42" in p.read_bytes())
                changed = bytearray(file.read_bytes())
                changed[changed.index(b"record-42")] ^= 1
                file.write_bytes(changed)
                broker.start()
                broken = consumed(broker, "t", "-o", "start", check=False)
                self.assertNotEqual(broken.returncode, 0)
                read = broken.stdout.splitlines()
                self.assertEqual(read, [b"record-%d" % i for i in range(len(read))])
                found = re.search(rb"offsets (\d+) to (\d+) .*read on from offset (\d+)", broken.stderr)
                self.assertIsNotNone(found, broken.stderr)
                self.assertEqual((int(found[1]), found[2]), (len(read), found[3]))
                rest = consumed(broker, "t", "-o", found[3].decode()).stdout.splitlines()
                self.assertEqual(rest, [b"record-%d" % i for i in range(int(found[3]), 100)])

    def test_without_its_identity_a_directory_with_logs_is_refused_and_well_again_when_it_is_put_back(self):
        with Folder() as folder:
            broker = Broker(folder / "data").start()
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"kept\n")
            self.assertEqual(broker.stop(), 0)
            identity = next((folder / "data").rglob("identity"))
            away = identity.rename(folder / "away")
            with self.assertRaises(AssertionError):
                broker.start()
            self.assertIn("identity", broker.log_text())
            self.assertFalse(identity.exists())
            away.rename(identity)
            with broker.start():
                self.assertEqual(consumed(broker, "t", "-o", "start").stdout, b"kept\n")

    def test_partitions_without_records_need_no_descriptor_and_no_segment(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            descriptors = lambda: len(os.listdir(f"/proc/{broker.process.pid}/fd"))
            before = descriptors()
            broker.ion("topic", "create", "many", "-p", "300")
            self.assertEqual(segments(folder), [])
            self.assertLess(descriptors() - before, 30)

    def test_records_larger_than_a_segment_are_read_back_after_a_stop_and_a_kill(self):
        rows = b"".join(bytes([97 + i]) * size + b"\n" for i, size in enumerate([10, 700_000, 65_536, 1, 300_000]))
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-c", "segment.bytes=64KiB")
            broker.ion("produce", "t", "-z", "none", stdin=rows)
            for end in (broker.kill, broker.stop, broker.kill):
                end()
                broker.start()
                self.assertEqual(consumed(broker, "t", "-o", "start").stdout, rows)


if __name__ == "__main__":
    unittest.main()
