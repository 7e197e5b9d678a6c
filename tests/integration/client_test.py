"""The command line against a broker that does not make it easy: full disks, proxies, lost answers, topics that change under it."""
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from broker import ION, Broker, Folder
from following import WAIT_S, Following, ion, until

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
