"""The command line against a broker that does not make it easy: full disks, proxies, lost answers, topics that change under it."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from broker import ION, Broker, Folder

WAIT_S = 60


def ion(address, *args, env=None, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(ION), "--brokers", address, *[str(a) for a in args]], timeout=WAIT_S, env=dict(os.environ, **(env or {})), **more)


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while not probe():
        if time.monotonic() > end:
            raise AssertionError(f"not within {WAIT_S} s: {what}")
        time.sleep(0.02)


class Following:
    """A long-running `ion`, whose stdout and stderr are files that may be looked at any time."""

    def __init__(self, folder, broker, *args, stdin=None):
        self.out, self.err = folder / "out", folder / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([str(ION), "--brokers", broker.address, *args], stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)

    def lines(self):
        return self.out.read_bytes().splitlines()

    def said(self):
        return self.err.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass


class LosingProxy:
    """Forwards to a broker. The first connection that carries `needle` is reset once the broker has had time to act on it."""

    def __init__(self, address, needle, acted):
        host, port = address.rsplit(":", 1)
        self.target, self.needle, self.acted, self.cut = (host, int(port)), needle, acted, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            closed = threading.Event()
            threading.Thread(target=self._forward, args=(near, far, closed), daemon=True).start()
            threading.Thread(target=self._back, args=(far, near, closed), daemon=True).start()

    def _forward(self, near, far, closed):
        while data := self._read(near):
            if self.cut == 0 and self.needle in data:
                self.cut += 1
                closed.set()  # nothing goes back any more
                far.sendall(data)
                until("the broker has acted", self.acted)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            far.sendall(data)
        near.close()
        far.close()

    def _back(self, far, near, closed):
        while data := self._read(far):
            if closed.is_set():
                return
            try:
                near.sendall(data)
            except OSError:
                return

    @staticmethod
    def _read(end):
        try:
            return end.recv(65536)
        except OSError:
            return b""


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


class Output(unittest.TestCase):
    def test_a_failed_write_to_stdout_is_an_error_with_its_cause_in_every_command(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"a\nb\n")
            words = [("consume", "t", "-e"), ("consume", "t", "-e", "-f", "%v\n"), ("topic", "list"), ("topic", "describe", "t"), ("topic", "create", "u"),
                     ("topic", "delete", "u", "-y"), ("cluster", "info"), ("plugin", "list"), ("version",), ("--help",), ("topic", "--help"), ("consume", "--help"),
                     ("bench", "consume", "t", "--no-ceiling"), ("bench", "produce", "b", "--records", "10", "--no-ceiling")]
            for command in words:
                for form in ([], ["--format", "json"]):
                    with self.subTest(command=command, form=form), open("/dev/full", "wb") as full:
                        done = ion(broker.address, *form, *command, stdout=full, stderr=subprocess.PIPE)
                        self.assertNotEqual(done.returncode, 0)
                        self.assertIn(b"No space left on device", done.stderr)
            with open("/dev/full", "wb") as full:
                done = ion(broker.address, "produce", "t", "-o", "%o\n", stdin=None, input=b"x\n", stdout=full, stderr=subprocess.PIPE)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"No space left on device", done.stderr)

    def test_a_closed_stdin_is_an_error_and_sends_nothing(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            done = subprocess.run(["/bin/sh", "-c", f"exec '{ION}' --brokers {broker.address} produce t <&-"], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"stdin", done.stderr)
            self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e").stdout, b"")

    def test_a_closed_stdout_is_an_error_and_a_closed_pipe_is_none(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"".join(b"%d\n" % i for i in range(200_000)))
            done = subprocess.run(f"{ION} --brokers {broker.address} topic list >&-", shell=True, stderr=subprocess.PIPE, timeout=WAIT_S)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"Bad file descriptor", done.stderr)
            done = subprocess.run(["bash", "-c", f"set -o pipefail; {ION} --brokers {broker.address} consume t -e | head -n 1"], capture_output=True, timeout=WAIT_S)
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_producer_whose_output_is_closed_ends_quietly_once_what_was_sent_is_delivered(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "many")
            command = [str(ION), "--brokers", broker.address, "produce", "t", "-o", "%o\n"]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
                run.stdin.write(b"a\n")
                run.stdin.flush()
                self.assertEqual(run.stdout.readline(), b"0\n")
                run.stdout.close()
                self.assertEqual((run.wait(WAIT_S), run.stderr.read()), (0, b""), "its input is open")
            script = f"yes | {ION} --brokers {broker.address} produce many -o '%o\\n' 2>{folder}/said | head -n 1; echo ${{PIPESTATUS[1]}}"
            done = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, timeout=WAIT_S)
            self.assertEqual((done.stdout, (folder / "said").read_bytes()), (b"0\n0\n", b""))

    def test_a_stderr_that_takes_nothing_changes_no_outcome(self):
        with Folder() as folder, Broker(folder / "data") as broker, open("/dev/full", "wb") as full:
            self.assertEqual(ion(broker.address, "-v", "topic", "create", "t", stdout=subprocess.PIPE, stderr=full).returncode, 0)
            self.assertEqual(ion(broker.address, "topic", "describe", "nope", stdout=subprocess.PIPE, stderr=full).returncode, 1)


class Bytes(unittest.TestCase):
    def test_lines_of_any_bytes_come_back_as_they_went_in(self):
        lines = [b"\xef\xbb\xbfwith a mark", b"carriage return\r", b"a\0zero", b"\r", b"", b"long " + b"-" * 700_000, b"\xff\xc0 no text", b"without an end"]
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"\n".join(lines))
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%v\n").stdout, b"\n".join(lines) + b"\n")
            self.assertEqual([int(n) for n in broker.ion("consume", "t", "-e", "-f", "%V\n").stdout.split()], [len(line) for line in lines])

    def test_a_pipe_that_does_not_block_loses_nothing_to_a_slow_reader(self):
        rows = b"".join(b"%06d%s\n" % (i, b"." * 300) for i in range(10_000))
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=rows)
            near, far = os.pipe()
            os.set_blocking(far, False)
            run = subprocess.Popen([str(ION), "--brokers", broker.address, "consume", "t", "-e", "-f", "%v\n"], stdin=subprocess.DEVNULL, stdout=far)
            os.close(far)
            with os.fdopen(near, "rb", buffering=0) as pipe:
                got = b"".join(iter(lambda: pipe.read(7_000), b""))  # far less than the pipe is filled with
            self.assertEqual(run.wait(WAIT_S), 0)
            self.assertEqual(got, rows)


class Addresses(unittest.TestCase):
    def test_a_lone_broker_is_reached_where_it_was_found_whatever_it_advertises(self):
        with socket.socket() as nobody, Folder() as folder:
            nobody.bind(("127.0.0.1", 0))
            elsewhere = "127.0.0.1:%d" % nobody.getsockname()[1]
            with Broker(folder / "data", "--set", f"node.advertised={elsewhere}") as broker:
                broker.ion("topic", "create", "t")
                broker.ion("produce", "t", "--delivery-timeout", "20s", stdin=b"x\n")
                self.assertEqual(broker.ion("--timeout", "20s", "consume", "t", "-n", "1", "-f", "%v\n").stdout, b"x\n")
                self.assertIn(elsewhere, broker.ion("cluster", "info").stdout.decode())

    def test_a_proxy_of_the_environment_does_not_stand_between_client_and_broker(self):
        with Folder() as folder, Broker(folder / "data") as broker, socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            proxy = "http://127.0.0.1:%d" % nobody.getsockname()[1]
            for name in ("http_proxy", "https_proxy", "grpc_proxy"):
                done = ion(broker.address, "--timeout", "10s", "topic", "list", env={name: proxy, "no_proxy": "", "no_grpc_proxy": ""}, capture_output=True)
                self.assertEqual(done.returncode, 0, (name, done.stderr))

    def test_an_address_that_cannot_be_meant_is_a_usage_error_at_once(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            port = int(broker.address.rsplit(":", 1)[1])
            for text in (f"127.0.0.1:{port + 65536}", "127.0.0.1", "127.0.0.1:0", "::1:9640", f"http://127.0.0.1:{port}", ":9640", "127.0.0.1:x"):
                done = ion(text, "topic", "list", capture_output=True)
                self.assertEqual(done.returncode, 2, (text, done.stderr))
                self.assertIn(text.encode(), done.stderr)

    def test_a_timeout_is_obeyed(self):
        with Folder() as folder, Broker(folder / "data") as broker, socket.create_server(("127.0.0.1", 0)) as silent:
            for address in ("127.0.0.1:%d" % silent.getsockname()[1], broker.address):
                if address == broker.address:
                    broker.process.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                done = ion(address, "--timeout", "3s", "topic", "list", capture_output=True)
                took = time.monotonic() - began
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertTrue(2.7 <= took <= 3.9, took)
            broker.process.send_signal(signal.SIGCONT)


class Commands(unittest.TestCase):
    def test_an_option_may_have_an_empty_value_behind_its_sign(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", "--key=", stdin=b"v\n")
            record = json.loads(broker.ion("consume", "t", "-o", "start", "-e", "-f", "json").stdout)
            self.assertEqual((record["key"], record["value"]), ("", "v"))

    def test_a_bounded_range_ends_also_where_there_is_less(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "3")
            broker.ion("produce", "t", "-p", "0", stdin=b"a\nb\n")
            # Partition 0 holds 2 records, the others none: where an offset is not there, that is told.
            for offsets, expected, code in (("0:2", b"a\nb\n", 0), ("0:9", b"a\nb\n", 0), ("1:9", b"b\n", 3), (":end", b"a\nb\n", 0), ("-1:end", b"b\n", 0), ("7:9", b"", 1)):
                with self.subTest(offsets=offsets):
                    done = broker.ion("consume", "t", "-o", offsets, "-f", "%v\n", check=False)
                    self.assertEqual((done.stdout, done.returncode), (expected, code), done.stderr)

    def test_a_consumer_benchmark_reads_what_is_there_and_writes_nothing(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            missing = broker.ion("bench", "consume", "none", check=False)
            self.assertEqual(missing.returncode, 1)
            self.assertIn(b"topic 'none' is not there; ion bench produce none makes it and writes records into it", missing.stderr)
            self.assertEqual(broker.ion("topic", "list").stdout.count(b"none"), 0)
            broker.ion("topic", "create", "t")
            empty = broker.ion("bench", "consume", "t", "--no-ceiling", check=False)
            self.assertEqual(empty.returncode, 1)
            self.assertIn(b"no records", empty.stderr)
            broker.ion("produce", "t", stdin=b"x\n" * 100)
            done = broker.ion("--format", "json", "bench", "consume", "t", "--records", "5000", "--no-ceiling")
            self.assertEqual(json.loads(done.stdout)["records"], 100)
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%v\n").stdout, b"x\n" * 100)

    def test_a_change_whose_answer_was_lost_is_this_commands_own_work(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            def there(name):
                return name in broker.ion("topic", "list").stdout
            proxy = LosingProxy(broker.address, b"made-once", lambda: there(b"made-once"))
            done = ion(proxy.address, "topic", "create", "made-once", "-p", "2", capture_output=True)
            self.assertEqual((proxy.cut, done.returncode), (1, 0), done.stderr)
            proxy = LosingProxy(broker.address, b"made-once", lambda: not there(b"made-once"))
            done = ion(proxy.address, "topic", "delete", "made-once", "-y", capture_output=True)
            self.assertEqual((proxy.cut, done.returncode), (1, 0), done.stderr)
            self.assertEqual(broker.ion("topic", "delete", "made-once", "-y", check=False).returncode, 1, "somebody else's work is none")

    def test_a_topic_shows_how_many_of_its_partitions_are_served(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "7")
            def row(*words):
                return json.loads(broker.ion("--format", "json", "topic", *words).stdout)[0]
            until("all are served", lambda: row("list")["ready"] == 7)
            self.assertEqual([p["health"] for p in row("describe", "t")["partition_rows"]], ["OK"] * 7)

    def test_nobody_else_has_made_a_topic_that_only_looks_alike(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "2")
            self.assertIn(b"EXISTS", broker.ion("topic", "create", "t", "-p", "2", check=False).stderr)


class Formats(unittest.TestCase):
    def test_json_lines_go_from_topic_to_topic_with_every_null(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            for name in ("a", "b"):
                broker.ion("topic", "create", name)
            rows = [{"key": "k", "value": "v", "headers": [{"key": "h", "value": None}, {"key": "h", "value": ""}, {"key": "i", "value": "x"}]},
                    {"value": None, "headers": []}, {"key": "", "value": "", "headers": []}, {"key": "/w==", "key_encoding": "base64", "value": "AAE=", "value_encoding": "base64", "headers": []}]
            broker.ion("produce", "a", "-f", "json", stdin="\n".join(json.dumps(r) for r in rows).encode())
            first = broker.ion("consume", "a", "-e").stdout
            broker.ion("produce", "b", "-f", "json", stdin=first)
            for name in ("a", "b"):
                read = [json.loads(line) for line in broker.ion("consume", name, "-e").stdout.splitlines()]
                text = [{k: v for k, v in r.items() if k not in ("topic", "partition", "offset", "timestamp", "id")} for r in read]
                self.assertEqual(text[0], rows[0])
                self.assertEqual(text[1], rows[1])
                self.assertEqual(text[2], rows[2])
                self.assertEqual(text[3]["key"], "/w==")
            self.assertEqual(broker.ion("consume", "b", "-e", "-n", "1", "-f", "%H %h{%k=%v,}\n").stdout, b"3 h=,h=,i=x,\n")

    def test_records_are_got_by_their_ids_in_the_forms_of_consume(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "ids", "-p", 3)
            broker.ion("produce", "ids", "-f", "%k:%v\\n", stdin=b"".join(b"k%d:v%d\n" % (i, i) for i in range(20)))
            lines = broker.ion("consume", "ids", "-e").stdout.splitlines()
            by_id = {json.loads(line)["id"]: line for line in lines}
            self.assertEqual(len(by_id), 20)
            ids = sorted(by_id)
            got = ion(broker.address, "get", *ids, capture_output=True)
            self.assertEqual((got.returncode, got.stdout.splitlines(), got.stderr), (0, [by_id[i] for i in ids], b""))
            got = ion(broker.address, "get", ids[0], "-f", "%t %k=%v %u\\n", capture_output=True)
            record = json.loads(by_id[ids[0]])
            self.assertEqual(got.stdout.decode(), f"ids {record['key']}={record['value']} {ids[0]}\n")

            form = ("-f", "%u %x %y %d\\n")  # who produced it is told as consume tells it
            read = broker.ion("consume", "ids", "-e", *form).stdout.splitlines()
            got = ion(broker.address, "get", *ids, *form, capture_output=True)
            self.assertEqual(sorted(got.stdout.splitlines()), sorted(read))
            self.assertNotIn(b" -1 ", got.stdout)

            unknown = ids[0][:-8] + "ffffffff"
            got = ion(broker.address, "get", ids[1], unknown, capture_output=True)
            self.assertEqual((got.returncode, got.stdout.splitlines()), (3, [by_id[ids[1]]]))
            self.assertRegex(got.stderr.decode(), rf"^ion: get {unknown}: NOT_FOUND LOG_NOT_FOUND: no partition has log \d+: .+\n$")
            self.assertEqual(ion(broker.address, "get", unknown, capture_output=True).returncode, 1)
            got = ion(broker.address, "get", "12345", capture_output=True)
            self.assertEqual((got.returncode, got.stdout), (2, b""))
            self.assertIn("want 8-4-4-4-12 hex digits, have '12345'", got.stderr.decode())

    def test_sizes_and_forms_bring_any_bytes_in_and_out(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            values = [b"a\nb", b"", bytes(range(256))]
            broker.ion("produce", "t", "-f", "%V{big32}%v", stdin=b"".join(struct.pack(">I", len(v)) + v for v in values))
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%V{big32}%v").stdout, b"".join(struct.pack(">I", len(v)) + v for v in values))
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%v{hex}\n").stdout.split(b"\n")[0], b"610a62")

    def test_a_format_says_what_batch_a_record_came_in(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"\x01\x02rest\n")
            broker.ion("produce", "t", "--acks", "leader", stdin=b"\x01\x02rest\n")
            lines = broker.ion("consume", "t", "-e", "-f", "%e %x %y %a{compression} %d{strftime[%Y]} %v{unpack[>Hs$]}\n").stdout.decode().splitlines()
            self.assertRegex(lines[0], r"^\d+ \d+ 0 none 2\d{3} 258rest$")
            self.assertRegex(lines[1], r"^\d+ -1 -1 none 2\d{3} 258rest$")

    def test_a_field_that_makes_the_topic_word_useless_is_told(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "a", "b")
            done = broker.ion("produce", "a", "-f", "%t %v\n", stdin=b"b x\n")
            self.assertIn(b"a is not used", done.stderr)
            self.assertEqual(broker.ion("consume", "b", "-e", "-f", "%v").stdout, b"x")


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


class Recreated(unittest.TestCase):
    def again(self, broker, name, partitions):
        broker.ion("topic", "delete", name, "-y")
        broker.ion("topic", "create", name, "-p", partitions)

    def test_a_reader_never_takes_offsets_of_the_old_topic_for_those_of_the_new_one(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            for records in (5, 50):
                with self.subTest(records=records):
                    name = f"t{records}"
                    broker.ion("topic", "create", name)
                    broker.ion("produce", name, stdin=b"old\n" * 20)
                    with Following(folder, broker, "consume", name, "-f", "%v\n") as run:
                        until("the old records", lambda: len(run.lines()) == 20)
                        run.process.send_signal(signal.SIGSTOP)
                        self.again(broker, name, 1)
                        broker.ion("produce", name, stdin=b"new\n" * records)
                        run.process.send_signal(signal.SIGCONT)
                        self.assertEqual(run.process.wait(WAIT_S), 1)
                        self.assertEqual(run.lines(), [b"old"] * 20)
                        self.assertRegex(run.said(), "TOPIC_RECREATED|TOPIC_NOT_FOUND")

    def test_a_producer_goes_on_in_the_new_topic_and_tells(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            for before, after in ((1, 1), (4, 2), (2, 6)):
                with self.subTest(before=before, after=after):
                    name = f"t{before}{after}"
                    broker.ion("topic", "create", name, "-p", before)
                    with Following(folder, broker, "produce", name, "-f", "%k\t%v\n", "-o", "%v\n", stdin=subprocess.PIPE) as run:
                        def feed(tag, n):
                            run.process.stdin.write(b"".join(b"k%d\t%s%d\n" % (i, tag, i) for i in range(n)))
                            run.process.stdin.flush()
                        feed(b"old", 30)
                        until("the old records", lambda: len(run.lines()) == 30)
                        self.again(broker, name, after)
                        feed(b"first", 1)
                        until("it tells", lambda: "deleted and made again" in run.said())
                        feed(b"new", 30)
                        run.process.stdin.close()
                        code = run.process.wait(WAIT_S)
                        acked = set(run.lines())
                        stored = broker.ion("consume", name, "-e", "-f", "%v\n").stdout.split()
                        self.assertEqual(len(stored), len(set(stored)))
                        self.assertEqual({b"new%d" % i for i in range(30)} - set(stored), set())
                        self.assertEqual({v for v in acked if not v.startswith(b"old")}, set(stored))
                        self.assertEqual(code, 0 if before == after else 3, run.said())
                        self.assertEqual(run.said().count("deleted and made again (it was"), 1)


class Limits(unittest.TestCase):
    def test_limits_of_the_broker_are_learnt(self):
        with Folder() as folder, Broker(folder / "low", "--set", "limits.batch_bytes_max=64KiB", "--set", "limits.record_bytes_max=32KiB") as broker:
            broker.ion("topic", "create", "t")
            rows = b"".join(b"%06d%s\n" % (i, b"." * 100) for i in range(20_000))
            broker.ion("produce", "t", stdin=rows)
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%v\n").stdout, rows)
            large = broker.ion("produce", "t", stdin=b"x" * 40_000 + b"\n", check=False)
            self.assertEqual(large.returncode, 1)
            for words in (b"RECORD_TOO_LARGE", b"32768", b"batch_bytes_max of this producer"):
                self.assertIn(words, large.stderr)
            info = json.loads(broker.ion("--format", "json", "cluster", "info").stdout)
            self.assertEqual((info["record_bytes_max"], info["batch_bytes_max"]), (32768, 65536))
        with Folder() as folder, Broker(folder / "high", "--set", "limits.record_bytes_max=4MiB") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"h" * (2 << 20) + b"\nsmall\n")
            self.assertEqual(broker.ion("consume", "t", "-e", "-f", "%V\n").stdout, b"%d\n5\n" % (2 << 20))


if __name__ == "__main__":
    unittest.main()
