"""A broker that is started while its data directory is still held: by a process that the system is taking down, or by one that stays."""
import fcntl
import os
import subprocess
import time
import unittest

from broker import ION, START_LIMIT_S, Broker, Folder, run_ionstreamd

WAITS = "a file is locked by another process and is waited for"
LOCKS = ("ionstreamd.lock", "storage-mmap/lock")
KILLS = 5


class Holder:
    """Holds the lock of a file until it lets go."""

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a+b")
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def let_go(self):
        self.file.close()


class HeldDataDirectory(unittest.TestCase):
    def test_a_lock_that_is_let_go_in_time_is_waited_for_and_the_log_says_so_once(self):
        for lock in LOCKS:
            with self.subTest(lock), Folder() as folder:
                holder = Holder(folder / "d" / lock)
                broker = Broker(folder / "d")
                with open(folder / "d.log", "wb") as log:
                    process = subprocess.Popen(broker.command(), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
                try:
                    deadline = time.monotonic() + START_LIMIT_S
                    while WAITS not in broker.log_text():
                        self.assertLess(time.monotonic(), deadline, broker.log_text())
                        self.assertIsNone(process.poll(), broker.log_text())
                        time.sleep(0.02)
                    holder.let_go()
                    self.assertTrue(process.stdout.readline().startswith("ready"), broker.log_text())
                    self.assertEqual(broker.log_text().count(WAITS), 1)
                    self.assertIn(str(folder / "d" / lock), broker.log_text())
                    process.terminate()
                    self.assertEqual(process.wait(START_LIMIT_S), 0)
                finally:
                    holder.let_go()
                    process.kill()
                    process.wait()
                    process.stdout.close()

    def test_a_broker_that_stays_is_named_by_its_process_and_refused_in_bounded_time(self):
        with Folder() as folder, Broker(folder / "d") as broker:
            began = time.monotonic()
            second = run_ionstreamd("--dev", "--data-dir", folder / "d", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0")
            self.assertLess(time.monotonic() - began, 20)
            self.assertEqual((second.returncode, second.stdout), (1, ""))
            self.assertEqual(second.stderr.strip().splitlines()[-1],
                             f"ionstreamd: data directory {folder / 'd'} is in use by another ionstreamd, process {broker.process.pid}")
            broker.ion("topic", "create", "t")

    def test_a_check_of_the_configuration_neither_waits_nor_opens_data(self):
        with Folder() as folder:
            holders = [Holder(folder / "d" / lock) for lock in LOCKS]
            before = sorted(folder.rglob("*"))
            checked = run_ionstreamd("--dev", "--data-dir", folder / "d", "--check-config")
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))
            self.assertEqual(sorted(folder.rglob("*")), before)
            for holder in holders:
                holder.let_go()


def wait_for_records(broker):
    """Until records reach the disk: the logs of the topic grow."""
    size = lambda: sum(os.stat(path).st_blocks for path in broker.data_dir.rglob("*.log"))  # noqa: E731
    before, deadline = size(), time.monotonic() + START_LIMIT_S
    while size() == before:
        assert time.monotonic() < deadline, broker.log_text()
        time.sleep(0.02)


class KilledUnderLoad(unittest.TestCase):
    def test_the_next_one_starts_at_once_on_the_same_directory_and_port(self):
        with Folder() as folder:
            broker = Broker(folder / "d").start()
            broker.ion("topic", "create", "t", "-p", "8")
            killed = []
            try:
                for _ in range(KILLS):
                    load = subprocess.Popen([str(ION), "--brokers", broker.address, "bench", "produce", "t", "--records", "10000000", "--no-ceiling"],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                    try:
                        wait_for_records(broker)
                        broker.process.kill()
                        killed.append(broker.process)  # not waited for: the system is still taking it down
                        broker.log.close()
                        broker.start()
                    finally:
                        load.kill()
                        load.wait()
                self.assertEqual(broker.stop(), 0)
            finally:
                broker.kill()
                for process in killed:
                    process.wait(START_LIMIT_S)
                    process.stdout.close()


if __name__ == "__main__":
    unittest.main()
