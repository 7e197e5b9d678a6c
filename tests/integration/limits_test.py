"""What a process is not given: address space and threads. A broker either works and stops in order, or ends at once and says what it wanted
and what there was; a stop ends in time whatever hangs."""
import os
import resource
import subprocess
import time
import unittest

from broker import IONSTREAMD, START_LIMIT_S, STOP_LIMIT_S, Broker, Folder

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
    """Only an ordinary user is limited, so a broker of root's test runs as one."""
    USER = 54_321  # nobody else's, so that its processes are ours

    def test_too_few_are_refused_at_once_with_what_was_wanted_and_what_there_is(self):
        with Folder() as folder:
            user = self.USER if os.geteuid() == 0 else None
            if user is not None:
                os.chown(folder, user, user)
            program = ["env", "-C", "/", str(IONSTREAMD)]

            def few():
                resource.setrlimit(resource.RLIMIT_NPROC, (5, 5))

            began = time.monotonic()
            done = subprocess.run([*program, "--dev", "--data-dir", str(folder / "data")], capture_output=True, text=True, timeout=START_LIMIT_S,
                                  preexec_fn=few, user=user, group=user, extra_groups=None if user is None else [])
            self.assertLess(time.monotonic() - began, 30)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            last = done.stderr.strip().splitlines()[-1]
            self.assertIn("threads, the system gave", last)
            self.assertIn("ulimit -u", last)


if __name__ == "__main__":
    unittest.main()
