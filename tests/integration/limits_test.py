"""What a process is not given: address space, threads, descriptors, a stack. A program either works and stops in order, or ends at once and
says what it wanted and what there was; a stop ends in time whatever hangs."""
import os
import re
import resource
import subprocess
import time
import unittest

from broker import ION, IONSTREAMD, START_LIMIT_S, STOP_LIMIT_S, Broker, Folder

STOP_IN_ALL_S = 35  # the broker's own limit and its last resort


def limited(what, value):
    return lambda: resource.setrlimit(what, (value, value))


class AddressSpace(unittest.TestCase):
    def start(self, folder, kib, *flags):
        command = [str(IONSTREAMD), "--dev", "--data-dir", str(folder / "data"), "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0", *flags]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limited(resource.RLIMIT_AS, kib << 10))

    def ended(self, process, limit):
        out, err = process.communicate(timeout=limit)
        return process.returncode, out, err

    def test_too_little_is_refused_at_once_with_what_was_wanted_and_what_there_is(self):
        for kib in (100_000, 150_000, 200_000, 300_000, 500_000, 900_000):
            for flags in ((), ("--check-config",)):
                with self.subTest(kib=kib, flags=flags), Folder() as folder:
                    code, out, err = self.ended(self.start(folder, kib, *flags), START_LIMIT_S)
                    self.assertEqual((code, out), (1, ""), err)
                    last = err.strip().splitlines()[-1]
                    self.assertIn(f"limited to {kib} KiB (ulimit -v)", last)
                    self.assertIn("wanted at least 1048576 KiB", last)
                    self.assertFalse((folder / "data").exists())

    def test_enough_serves_and_stops_in_order(self):
        for kib in (1_048_576, 1_500_000, 3_000_000):
            with self.subTest(kib), Folder() as folder:
                process = self.start(folder, kib)
                line = process.stdout.readline()
                self.assertTrue(line.startswith("ready"), line)
                (folder / "data.log").touch()
                broker = Broker(folder / "data")
                broker.address = line.split()[1]
                broker.ion("topic", "create", "t")
                broker.ion("produce", "t", stdin=b"a\nb\n")
                self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v ").stdout, b"a b ")
                process.terminate()
                code, _, err = self.ended(process, STOP_LIMIT_S)
                self.assertEqual(code, 0, err)


class Threads(unittest.TestCase):
    """Only an ordinary user is limited, so a program of root's test runs as one."""
    USER = 54_321  # nobody else's, so that its processes are ours

    def limited_to(self, threads, *command):
        user = self.USER if os.geteuid() == 0 else None
        began = time.monotonic()
        done = subprocess.run(["env", "-C", "/", *map(str, command)], capture_output=True, text=True, timeout=START_LIMIT_S, stdin=subprocess.DEVNULL,
                              preexec_fn=limited(resource.RLIMIT_NPROC, threads), user=user, group=user, extra_groups=None if user is None else [])
        self.assertLess(time.monotonic() - began, 30)
        return done

    def test_too_few_are_refused_at_once_with_what_was_wanted_and_what_there_is(self):
        with Folder() as folder:
            if os.geteuid() == 0:
                os.chown(folder, self.USER, self.USER)
            done = self.limited_to(5, IONSTREAMD, "--dev", "--data-dir", folder / "data")
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            last = done.stderr.strip().splitlines()[-1]
            self.assertIn("threads, the system gave", last)
            self.assertIn("ulimit -u", last)

    def test_too_few_for_a_client_are_refused_before_anything_waits_for_them(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            for threads in (2, 5, 8, 11):
                for words in (["topic", "list"], ["produce", "t"], ["consume", "t", "-e"], ["bench", "produce", "t", "--records", "10", "--no-ceiling"]):
                    with self.subTest(threads=threads, words=words):
                        done = self.limited_to(threads, ION, "--brokers", broker.address, "--timeout", "5s", *words)
                        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                        self.assertRegex(done.stderr, r"^ion: .*threads, the system gave.*ulimit -u.*\n$")


class Descriptors(unittest.TestCase):
    def start(self, folder, limit, *flags):
        return subprocess.Popen([str(IONSTREAMD), "--dev", "--data-dir", str(folder / "data"), "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0", *flags],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=limited(resource.RLIMIT_NOFILE, limit))

    def refused(self, folder, limit, *flags):
        process = self.start(folder, limit, *flags)
        out, err = process.communicate(timeout=START_LIMIT_S)
        self.assertEqual((process.returncode, out), (1, ""), err)
        self.assertFalse((folder / "data").exists())
        found = re.fullmatch(r"ionstreamd: wanted (\d+) open files \(descriptors\) beside the (\d+) that are open, this process may have (\d+) in all \(ulimit -n\)\n", err)
        self.assertIsNotNone(found, err)
        wanted, taken, limit_said = map(int, found.groups())
        self.assertEqual(limit_said, limit)
        return wanted + taken

    def test_too_few_are_refused_at_once_and_with_one_less_than_enough_too(self):
        with Folder() as folder:
            enough = self.refused(folder, 20)
            for limit in (8, 12, 16, 24, 32, enough - 1):
                for flags in ((), ("--check-config",)):
                    with self.subTest(limit=limit, flags=flags):
                        self.assertEqual(self.refused(folder, limit, *flags), enough)

    def test_the_least_that_is_not_refused_serves_several_clients_and_stops_in_order(self):
        with Folder() as folder:
            enough = self.refused(folder, 20)
            process = self.start(folder, enough)
            line = process.stdout.readline()
            self.assertTrue(line.startswith("ready"), line)
            broker = Broker(folder / "data")
            broker.address = line.split()[1]
            (folder / "data.log").touch()
            broker.ion("topic", "create", "t", "-p", "8")
            broker.ion("produce", "t", stdin=b"a\nb\n")
            readers = [subprocess.Popen([str(ION), "--brokers", broker.address, "consume", "t", "-o", "start", "-n", "2"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) for _ in range(8)]
            for reader in readers:
                out, _ = reader.communicate(timeout=START_LIMIT_S)
                self.assertEqual((reader.returncode, len(out.splitlines())), (0, 2))
            self.assertEqual(broker.ion("topic", "create", "wide", "-p", "100", check=False).returncode, 1)
            process.terminate()
            _, err = process.communicate(timeout=STOP_LIMIT_S)
            self.assertEqual(process.returncode, 0, err)

    def test_a_client_without_enough_says_so(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            for limit in (4, 6, 10, 16):
                for words in (["topic", "list"], ["produce", "t"], ["consume", "t", "-e"], ["bench", "produce", "t", "--records", "10", "--no-ceiling"],
                              ["bench", "serve-raw", "--listen", "127.0.0.1:0"]):
                    with self.subTest(limit=limit, words=words):
                        done = subprocess.run([str(ION), "--brokers", broker.address, "--timeout", "5s", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                              timeout=START_LIMIT_S, preexec_fn=limited(resource.RLIMIT_NOFILE, limit))
                        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                        self.assertRegex(done.stderr, rf"^ion: .*open files \(descriptors\).* may have {limit} in all \(ulimit -n\).*\n$")


class Stack(unittest.TestCase):
    def test_a_small_one_is_refused_by_both_programs(self):
        for program, words in ((IONSTREAMD, ("--version",)), (ION, ("version",))):
            for kib in (64, 128, 255):
                with self.subTest(program=program.name, kib=kib):
                    done = subprocess.run([str(program), *words], capture_output=True, text=True, timeout=START_LIMIT_S, stdin=subprocess.DEVNULL,
                                          preexec_fn=limited(resource.RLIMIT_STACK, kib << 10))
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn(f"limited to {kib} KiB (ulimit -s), wanted at least 256 KiB\n", done.stderr)
            done = subprocess.run([str(program), *words], capture_output=True, text=True, timeout=START_LIMIT_S, preexec_fn=limited(resource.RLIMIT_STACK, 256 << 10))
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
