"""Commands that run while nobody looks: outages, signals, refusals and a broker that dies under them."""
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from broker import Broker, Folder
from following import WAIT_S, Following, ion, until


class MortalProxy:
    """Forwards to a broker until so many bytes have gone one way; then it is gone, and nobody listens at its address."""

    def __init__(self, address, bytes_max, way):
        host, port = address.rsplit(":", 1)
        self.target, self.left, self.way, self.dead = (host, int(port)), bytes_max, way, threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.ends = [self.socket]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.dead.is_set():
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.ends += [near, far]
            for source, to, way in ((near, far, "in"), (far, near, "out")):
                threading.Thread(target=self._forward, args=(source, to, way), daemon=True).start()

    def _forward(self, source, to, way):
        try:
            while data := source.recv(65536):
                to.sendall(data)
                if way == self.way:
                    self.left -= len(data)
                if self.left < 0:
                    break
        except OSError:
            pass
        self.die() if self.left < 0 else to.close()

    def die(self):
        self.dead.set()
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class Unattended(unittest.TestCase):
    def test_a_topic_that_is_not_there_ends_the_run_while_the_input_stays_open(self):
        with Folder() as folder, Broker(folder / "data") as broker, Following(folder, broker, "produce", "nope", stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"x\n" * 1000)
            run.process.stdin.flush()
            self.assertEqual(run.process.wait(WAIT_S), 1)
            self.assertEqual(run.said().count("TOPIC_NOT_FOUND"), 1, run.said())

    def test_an_outage_is_told_once_and_its_end_once_and_nothing_is_lost(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            with Following(folder, broker, "produce", "t", "-o", "%v\n", stdin=subprocess.PIPE) as run:
                def feed(text):
                    run.process.stdin.write(text)
                    run.process.stdin.flush()
                feed(b"before\n")
                until("the first record", lambda: len(run.lines()) == 1)
                broker.kill()
                feed(b"during\n")
                until("the outage is told", lambda: "no broker answers" in run.said())
                broker.start()
                until("the second record", lambda: len(run.lines()) == 2)
                until("its end is told", lambda: "answers again" in run.said())
                run.process.stdin.close()
                self.assertEqual(run.process.wait(WAIT_S), 0)
                self.assertEqual(len(run.said().splitlines()), 2, run.said())
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%v\n").stdout, b"before\nduring\n")

    def test_an_outage_under_a_follower_is_told_once_and_its_end_once(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"before\n")
            with Following(folder, broker, "consume", "t", "-f", "%v\n") as run:
                until("the first record", lambda: len(run.lines()) == 1)
                broker.kill()
                until("the outage is told", lambda: "no broker answers" in run.said())
                broker.start()
                broker.ion("produce", "t", stdin=b"after\n")
                until("the second record", lambda: len(run.lines()) == 2)
                until("its end is told", lambda: "answers again" in run.said())
                run.process.send_signal(signal.SIGINT)
                self.assertEqual(run.process.wait(WAIT_S), 0)
                self.assertEqual(len(run.said().splitlines()), 2, run.said())

    def test_a_signal_ends_a_command_that_waits_for_a_broker(self):
        for words in (["consume", "t"], ["consume", "t", "-e"], ["produce", "t"]):
            with self.subTest(words=words), socket.socket() as silent, Folder() as folder:
                silent.bind(("127.0.0.1", 0))
                silent.listen()
                nobody = Broker(folder / "none")
                nobody.address = "127.0.0.1:%d" % silent.getsockname()[1]
                with Following(folder, nobody, "--timeout", "50s", *words) as run:
                    self.assertTrue(silent.accept())
                    run.process.send_signal(signal.SIGINT)
                    began = time.monotonic()
                    self.assertEqual(run.process.wait(WAIT_S), 130)
                    self.assertLess(time.monotonic() - began, 20)

    def test_an_interrupted_producer_says_how_many_records_were_delivered_and_how_many_were_not(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            with Following(folder, broker, "produce", "t", "-o", "%o\n", stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"x\n" * 100)
                run.process.stdin.flush()
                until("all of them", lambda: len(run.lines()) == 100)
                run.process.send_signal(signal.SIGINT)
                self.assertEqual(run.process.wait(WAIT_S), 130)
                self.assertEqual(run.said(), "ion: produce t: interrupted after 100 records were read: 100 delivered, 0 not delivered\n")

    def test_a_second_signal_gives_up_what_no_broker_answers_for(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless, Following(folder, broker, "produce", "t", "-o", "%o\n", stdin=endless.stdout) as run:
                endless.stdout.close()
                until("the first ones", lambda: run.lines())
                broker.process.send_signal(signal.SIGSTOP)
                run.process.send_signal(signal.SIGINT)
                until("it waits", lambda: "another signal gives it up" in run.said() or run.process.poll() is not None)
                run.process.send_signal(signal.SIGINT)
                self.assertEqual(run.process.wait(WAIT_S), 130)
                read, delivered, lost = map(int, re.search(r"interrupted after (\d+) records were read: (\d+) delivered, (\d+) not delivered", run.said()).groups())
                self.assertEqual(read, delivered + lost)
                self.assertEqual(delivered, len(run.lines()))
                self.assertLessEqual(len(run.said().splitlines()), 2, run.said())

    def test_refusals_beyond_the_first_are_counted_each_second_and_at_the_end(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            with Following(folder, broker, "produce", "t", "-f", "%p %v\n", stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"7 x\n" * 500)
                run.process.stdin.flush()
                until("the rest is counted while the input is open", lambda: re.search(r"\d+ more records were refused", run.said()))
                run.process.stdin.close()
                self.assertEqual(run.process.wait(WAIT_S), 1)
                self.assertEqual(sum(int(n) for n in re.findall(r"(\d+) more records", run.said())), 490, run.said())
                self.assertIn("500 records failed", run.said())
                self.assertIn("failed with NOT_FOUND PARTITION_NOT_FOUND: records 1-500\n", run.said())

    def test_records_that_nobody_answers_for_arrive_all_and_in_order(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            rows = b"".join(b"%07d\n" % i for i in range(300_000))
            for times in (1, 2):
                broker.ion("produce", "t", "--acks", "none", stdin=rows)
                stored = lambda: broker.ion("consume", "t", "-e", "-f", "%v\n").stdout  # noqa: E731
                until("they can be read", lambda: len(stored()) == len(rows) * times)
                self.assertEqual(stored(), rows * times)


class Benchmarks(unittest.TestCase):
    def test_a_benchmark_whose_broker_dies_ends_soon_with_an_error_that_says_so(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("bench", "produce", "full", "--records", "40000", "--no-ceiling")
            for way, words in (("in", ["produce", "a", "--records", "100000000"]), ("in", ["produce", "b", "--records", "100000000", "--one-in-flight", "--size", "100KB"]),
                               ("in", ["produce", "c", "--records", "100000000", "--acks", "none", "--clients", "3"]), ("out", ["consume", "full"])):
                with self.subTest(words=words):
                    proxy = MortalProxy(broker.address, 10 << 20, way)
                    self.addCleanup(proxy.die)
                    done = ion(proxy.address, "bench", *words, "--no-ceiling", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    self.assertEqual((done.returncode, done.stdout), (5, b""), done.stderr)
                    self.assertIn(b"UNREACHABLE: the broker went away during the measurement", done.stderr)


if __name__ == "__main__":
    unittest.main()
