"""A topic of which some partitions cannot be opened: their names and causes are told, and the others are read."""
import concurrent.futures
import shutil
import signal
import subprocess
import time
import unittest

from broker import ION, Broker, Folder

WAIT_S = 60


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while not probe():
        if time.monotonic() > end:
            raise AssertionError(f"not within {WAIT_S} s: {what}")
        time.sleep(0.02)


class LostPartitions(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.data = self.folder.path / "data"
        with Broker(self.data) as broker:
            broker.ion("topic", "create", "orders", "-p", "3")
            for partition in "012":
                broker.ion("produce", "orders", "-p", partition, stdin=b"of %s\n" % partition.encode())
            self.assertEqual(broker.stop(), 0)
        [self.log] = [p for p in self.data.rglob("p+*+1") if p.is_dir()]
        shutil.move(self.log, self.folder.path / "kept")
        self.log.write_bytes(b"not a folder")

    def mend(self):
        self.log.unlink()
        shutil.move(self.folder.path / "kept", self.log)

    def test_a_read_up_to_the_end_names_them_gives_the_others_and_exits_with_3(self):
        def read(words):
            began = time.monotonic()
            return broker.ion("--timeout", "2s", "consume", "orders", *words, "-e", "-f", "%v\n", check=False), time.monotonic() - began

        with Broker(self.data) as broker, concurrent.futures.ThreadPoolExecutor() as pool:
            *partly, nothing = pool.map(read, ([], ["-o", "0:1"], ["-o", "0"], ["-p", "1"]))
            for done, took in partly:
                said = done.stderr.decode()
                self.assertEqual(done.returncode, 3, said)
                self.assertEqual(sorted(done.stdout.splitlines()), [b"of 0", b"of 2"])
                self.assertEqual(said.count("partition 1 cannot be read and is left out"), 1, said)
                self.assertLess(took, 12)
            self.assertEqual(nothing[0].returncode, 1, nothing[0].stderr)
            self.assertIn(b"partition 1", nothing[0].stderr)

    def test_a_read_from_an_offset_waits_for_them_once(self):
        with Broker(self.data) as broker:
            began = time.monotonic()
            done = broker.ion("--timeout", "8s", "consume", "orders", "-o", "0", "-e", "-f", "%v\n", check=False)
            took = time.monotonic() - began
            self.assertEqual((done.returncode, sorted(done.stdout.splitlines())), (3, [b"of 0", b"of 2"]), done.stderr)
            self.assertGreater(took, 7)
            self.assertLess(took, 15)

    def test_a_following_reader_says_it_once_goes_on_and_gets_its_records_when_it_is_mended(self):
        with Broker(self.data, "--set", "topics.reopen_pause_max=300ms") as broker:
            with open(self.folder.path / "out", "wb") as out, open(self.folder.path / "err", "wb") as err:
                run = subprocess.Popen([str(ION), "--brokers", broker.address, "consume", "orders", "-f", "%v\n"], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                lines = lambda: (self.folder.path / "out").read_bytes().splitlines()  # noqa: E731
                said = lambda: (self.folder.path / "err").read_text()  # noqa: E731
                until("the others are read", lambda: sorted(lines()) == [b"of 0", b"of 2"])
                until("the lost one is told", lambda: "partition 1 cannot be read now and is tried again" in said())
                broker.ion("produce", "orders", "-p", "0", stdin=b"more of 0\n")
                until("reading goes on", lambda: b"more of 0" in lines())
                self.mend()
                until("it is read", lambda: b"of 1" in lines())
                run.send_signal(signal.SIGTERM)
                self.assertEqual(run.wait(WAIT_S), 0)
                self.assertEqual(len(said().splitlines()), 2, said())
                self.assertIn("partition 1 is served again", said())
            finally:
                run.kill()
                run.wait()


class ManyLost(unittest.TestCase):
    def test_the_first_ten_are_told_one_by_one_and_the_rest_in_one_line(self):
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                broker.ion("topic", "create", "orders", "-p", "15")
                broker.ion("produce", "orders", "-p", "0", stdin=b"of 0\n")
                self.assertEqual(broker.stop(), 0)
            for log in (folder / "data").rglob("p+*+*"):
                if log.is_dir() and not log.name.endswith("+0"):
                    shutil.rmtree(log)
                    log.write_bytes(b"not a folder")
            with Broker(folder / "data") as broker:
                for words in ([], ["-o", "0"]):
                    done = broker.ion("--timeout", "2s", "consume", "orders", *words, "-e", "-f", "%v\n", check=False)
                    said = done.stderr.decode()
                    self.assertEqual((done.returncode, done.stdout), (3, b"of 0\n"), said)
                    self.assertEqual(said.count("cannot be read and is left out: "), 10 + said.count("the last: "), said)
                    self.assertIn("and 4 more partitions", said)
                    self.assertEqual(len(said.splitlines()), 11, said)


if __name__ == "__main__":
    unittest.main()
