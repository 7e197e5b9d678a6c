"""Files that a crash or a person has changed while the broker was away: what it keeps beside the records costs no record, foreign files are
left alone, and damage to records is told where users look."""
import json
import re
import shutil
import unittest

from broker import Broker, Folder

RECORDS = 600
# Records of topics, and the catalogue with what its consensus has promised: their loss is a real loss.
NO_BOOKKEEPING = re.compile(r"/\d{20}\.log$|/raft\+|^/plugins/|/(lock|identity|ionstreamd\.lock)$")
HURTS = {
    "empty": lambda p: p.write_bytes(b""),
    "zeros": lambda p: p.write_bytes(bytes(p.stat().st_size)),
    "half": lambda p: p.write_bytes(p.read_bytes()[:p.stat().st_size // 2]),
    "gone": lambda p: p.unlink(),
}


def read_all(broker, topic="t", check=True):
    return broker.ion("consume", topic, "-o", "start", "-e", "-f", "%v\n", check=check)


class Filled(unittest.TestCase):
    """A stopped broker's directory with a topic of several segments, to be copied."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.rows = b"".join(b"r%05d%s\n" % (i, b"." * 500) for i in range(RECORDS))
        with Broker(cls.folder.path / "filled") as broker:
            broker.ion("topic", "create", "t", "-c", "segment.bytes=64KiB")
            broker.ion("produce", "t", "-z", "none", stdin=cls.rows)
            assert broker.stop() == 0

    @classmethod
    def tearDownClass(cls):
        cls.folder.__exit__()

    def copy(self):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        shutil.copytree(self.folder.path / "filled", folder.path / "data")
        return folder.path / "data"


class Bookkeeping(Filled):
    def kinds(self):
        """One file of each kind, as a path below the directory."""
        kinds = {}
        top = self.folder.path / "filled"
        for path in sorted(p for p in top.rglob("*") if p.is_file()):
            name = "/" + str(path.relative_to(top))
            if NO_BOOKKEEPING.search(name):
                continue
            kinds.setdefault(re.sub(r"\d{20}", "N", re.sub(r"[0-9a-f]{8}(-[0-9a-f]+)+", "U", name)), name[1:])
        return kinds

    def test_a_hurt_file_beside_the_records_costs_no_record_and_no_append(self):
        kinds = self.kinds()
        self.assertTrue(any("marks" in k for k in kinds) and any("index" in k for k in kinds), kinds)
        for name in kinds.values():
            for hurt, change in HURTS.items():
                with self.subTest(file=name, hurt=hurt):
                    data = self.copy()
                    change(data / name)
                    with Broker(data) as broker:
                        self.assertEqual(read_all(broker).stdout, self.rows)
                        broker.ion("produce", "t", stdin=b"more\n")
                        self.assertEqual(read_all(broker).stdout, self.rows + b"more\n")

    def test_an_identity_that_cannot_be_read_is_refused_by_name_stays_as_it_is_and_put_back_all_is_there(self):
        for hurt in ("empty", "half", "zeros"):
            with self.subTest(hurt):
                data = self.copy()
                identity = next(data.rglob("identity"))
                good = identity.read_bytes()
                HURTS[hurt](identity)
                left = identity.read_bytes()
                broker = Broker(data)
                with self.assertRaises(AssertionError):
                    broker.start()
                self.assertIn("identity", broker.log_text().strip().splitlines()[-1])
                self.assertEqual(identity.read_bytes(), left)
                identity.write_bytes(good)
                with broker.start():
                    self.assertEqual(read_all(broker).stdout, self.rows)


class Foreign(Filled):
    def test_files_among_the_logs_and_in_a_log_are_left_alone_and_a_log_that_has_some_can_be_deleted(self):
        data = self.copy()
        logs = next(p for p in data.rglob("logs") if p.is_dir())
        log = next(p for p in logs.iterdir() if p.name.startswith("p+"))
        (logs / "lost+found").mkdir(mode=0o700)
        (logs / "core.1234").write_bytes(b"core")
        (log / ".nfs00000001").write_bytes(b"x")
        (log / ("0" * 20 + ".log.bak")).write_bytes(b"x")
        with Broker(data) as broker:
            self.assertEqual(read_all(broker).stdout, self.rows)
            broker.ion("topic", "delete", "t", "-y")
            broker.ion("topic", "create", "t")
            self.assertEqual(broker.stop(), 0)
            broker.start()
            self.assertEqual(read_all(broker).stdout, b"")
        self.assertTrue((logs / "lost+found").is_dir())
        self.assertEqual((logs / "core.1234").read_bytes(), b"core")


class DamagedSealedSegment(unittest.TestCase):
    def test_damage_that_a_reader_meets_is_described_with_its_offsets_and_after_a_restart_when_it_is_met_again(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-c", "segment.bytes=64KiB")
            for i in range(4):
                broker.ion("produce", "t", "-z", "none", stdin=b"row-%d" % i + b"." * 100_000 + b"\n")  # one record: how two are bundled is a matter of time
            self.assertEqual(broker.stop(), 0)
            segments = sorted((folder / "data").rglob("p+*/*.log"))
            self.assertGreater(len(segments), 2)
            changed = bytearray(segments[0].read_bytes())
            changed[changed.index(b"row-0")] ^= 1
            segments[0].write_bytes(changed)
            for _ in range(2):
                with broker.start():
                    self.assertNotEqual(read_all(broker, check=False).returncode, 0)
                    [partition] = json.loads(broker.ion("--format", "json", "topic", "describe", "t").stdout)[0]["partition_rows"]
                    self.assertEqual((partition["health"], partition["damaged"]), ("CORRUPT", "0:1"))
                    self.assertRegex(broker.ion("topic", "describe", "t").stdout.decode(), r"CORRUPT +0:1\n")
                    self.assertIn("offsets 0 to 1 are damaged", broker.ion("cluster", "info").stdout.decode())
                    refused = broker.ion("produce", "t", "--delivery-timeout", "2s", stdin=b"x\n", check=False)
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertIn(b"offsets 0 to 1 are damaged", refused.stderr)
                    self.assertEqual(broker.ion("consume", "t", "-o", "1", "-e", "-f", "%o\n").stdout, b"1\n2\n3\n")
                    self.assertIn(b"`ion topic repair t -p 0` says what is lost", refused.stderr)
                    self.assertEqual(broker.stop(), 0)
            with broker.start():  # without what it lost and what was before, the partition is as good as any
                self.assertNotEqual(read_all(broker, check=False).returncode, 0)
                broker.ion("topic", "trim", "t", "-p", "0", "--before", "1", "-y")
                [partition] = json.loads(broker.ion("--format", "json", "topic", "describe", "t").stdout)[0]["partition_rows"]
                self.assertEqual((partition["health"], partition["log_start"]), ("OK", 1))
                self.assertNotIn("damaged", broker.ion("cluster", "info").stdout.decode())
                broker.ion("produce", "t", stdin=b"more\n")
                broker.kill()
                broker.start()
                self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%o\n").stdout, b"1\n2\n3\n4\n")
                self.assertEqual(broker.stop(), 0)


class SkippedDamage(unittest.TestCase):
    def test_a_reader_that_is_told_to_goes_on_behind_each_damaged_part_and_tells_its_offsets(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-c", "segment.bytes=64KiB")
            for i in range(6):
                broker.ion("produce", "t", "-z", "none", stdin=b"row-%d" % i + b"." * 100_000 + b"\n")
            self.assertEqual(broker.stop(), 0)
            for i in (1, 3):
                hit = next(p for p in (folder / "data").rglob("p+*/*.log") if b"row-%d" % i in p.read_bytes())
                changed = bytearray(hit.read_bytes())
                changed[changed.index(b"row-%d" % i)] ^= 1
                hit.write_bytes(changed)
            broker.start()
            stopped = broker.ion("consume", "t", "-e", "-f", "%o ", check=False)
            self.assertEqual(stopped.stdout, b"0 ")
            self.assertIn("offsets 1 to 2 cannot be read", stopped.stderr.decode())
            self.assertIn("`ion consume -o 2` begins behind them", stopped.stderr.decode())
            skipped = broker.ion("consume", "t", "-e", "--skip-damage", "-f", "%o ", check=False)
            self.assertEqual((skipped.stdout, skipped.returncode), (b"0 2 4 5 ", 3))
            told = [line for line in skipped.stderr.decode().splitlines() if "passed over" in line]
            self.assertEqual(len(told), 2, told)
            self.assertIn("topic t partition 0: offset 1 was passed over; reading goes on at 2", told[0])
            self.assertIn("topic t partition 0: offset 3 was passed over; reading goes on at 4", told[1])
            # The way out for a partition that takes no more records: what can be read goes into another topic.
            broker.ion("topic", "create", "rest")
            rest = broker.ion("consume", "t", "-e", "--skip-damage", "-f", "json", check=False).stdout
            broker.ion("produce", "rest", "-f", "json", "-p", "input", stdin=rest)
            self.assertEqual(broker.ion("consume", "rest", "-e", "-f", "%V{ascii} ").stdout, b"100005 " * 4)
            self.assertEqual(broker.stop(), 0)


class DamagedRecords(unittest.TestCase):
    def test_the_topic_is_described_as_damaged_its_writers_hear_it_and_other_topics_go_on(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            for i in range(3):
                broker.ion("produce", "t", "-z", "none", stdin=b"record-%d\n" % i)
            self.assertEqual(broker.stop(), 0)
            hit = next(p for p in (folder / "data").rglob("*.log") if b"record-1" in p.read_bytes())
            changed = bytearray(hit.read_bytes())
            changed[changed.index(b"record-1")] ^= 1
            hit.write_bytes(changed)
            broker.start()
            done = read_all(broker, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertTrue(b"record-0\n".startswith(done.stdout))
            described = broker.ion("topic", "describe", "t").stdout.decode()
            self.assertRegex(described, r"CORRUPT|damaged")
            refused = broker.ion("produce", "t", "--delivery-timeout", "2s", stdin=b"x\n", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(b"damaged", refused.stderr)
            part = broker.ion("topic", "trim", "t", "-p", "0", "--before", "1", "-y", check=False)
            self.assertNotEqual(part.returncode, 0)
            self.assertIn(b"it can only be emptied: by deleting what is before 3", part.stderr)
            broker.ion("topic", "trim", "t", "-p", "0", "--before", "end", "-y")
            broker.ion("produce", "t", stdin=b"goes on\n")
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%o %v\n").stdout, b"3 goes on\n")
            broker.ion("topic", "create", "other")
            broker.ion("produce", "other", stdin=b"goes on\n")
            self.assertEqual(read_all(broker, "other").stdout, b"goes on\n")


if __name__ == "__main__":
    unittest.main()
