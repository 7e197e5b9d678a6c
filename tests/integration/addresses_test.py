"""Addresses of every form: a broker on IPv6, names, and lists of which not everybody answers."""
import re
import subprocess
import time
import unittest

from broker import ION, Broker, Folder

WAIT_S = 60


class Six(Broker):
    """A broker on the loopback of IPv6."""

    def command(self):
        return [part.replace("listen=127.0.0.1:0", "listen=[::1]:0") for part in super().command()]


def ion(brokers, *words, stdin=b""):
    return subprocess.run([str(ION), "--brokers", brokers, *words], input=stdin, capture_output=True, timeout=WAIT_S)


class Addresses(unittest.TestCase):
    def test_a_broker_on_ipv6_says_an_address_that_works_as_it_stands(self):
        with Folder() as folder:
            broker = Six(folder / "data")
            with open(folder / "data.log", "wb") as log:
                process = subprocess.Popen(broker.command(), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
            try:
                said = re.match(r"ready (\[::1\]:\d+) ", process.stdout.readline())
                self.assertIsNotNone(said, broker.log_text())
                for words, stdin, out in ((["topic", "create", "t"], b"", None), (["produce", "t"], b"six\n", b""),
                                          (["consume", "t", "-o", "start", "-e", "-f", "%v\n"], b"", b"six\n")):
                    done = ion(said[1], *words, stdin=stdin)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    if out is not None:
                        self.assertEqual(done.stdout, out)
                process.terminate()
                self.assertEqual(process.wait(WAIT_S), 0)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()

    def test_names_and_lists_in_which_somebody_answers_work_soon(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            port = broker.address.split(":")[1]
            for brokers in (f"localhost:{port}", f"127.0.0.1:1,{broker.address}", f"{broker.address},127.0.0.1:1", f"no-such-host.invalid:9640,{broker.address}"):
                with self.subTest(brokers):
                    began = time.monotonic()
                    done = ion(brokers, "topic", "list")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertLess(time.monotonic() - began, 8)  # below the standard timeout

    def test_a_name_that_is_none_is_in_the_words_of_the_failure(self):
        done = ion("no-such-host.invalid:9640", "--timeout", "2s", "topic", "list")
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"no-such-host.invalid", done.stderr)


if __name__ == "__main__":
    unittest.main()
