"""Bad input: a clear error that says what was wanted and what was there, and nothing lost."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from broker import BUILD, ION, Broker, Folder, run_ionstreamd


class Configuration(unittest.TestCase):
    def refused(self, *args, code=(1, 2), has=()):
        with Folder() as folder:
            done = run_ionstreamd("--dev", "--data-dir", folder / "data", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0", *args)
        self.assertIn(done.returncode, code, done.stderr)
        for words in has:
            self.assertIn(words, done.stderr)
        self.assertNotIn("ready", done.stdout)

    def test_an_unknown_key_is_an_error_with_a_suggestion(self):
        self.refused("--set", "topics.partitons=3", has=["partitons", "partitions"])
        self.refused("--set", "plugins.transport-grpc.config.listn=x", has=["listn", "listen"])

    def test_a_file_with_a_syntax_error_names_line_and_column(self):
        with Folder() as folder:
            config = folder / "broken.jsonc"
            config.write_text('{\n  // a comment\n  "topics": {"partitions": 3,,}\n}\n')
            done = run_ionstreamd("--config", config, "--check-config")
        self.assertEqual(done.returncode, 1)
        self.assertIn("broken.jsonc:3:", done.stderr)

    def test_a_missing_plugin_is_named(self):
        self.refused("--set", "plugins.no-such.enabled=true", has=["no-such"])

    def test_a_missing_contract_is_named(self):
        self.refused("--set", "plugins.storage-mmap.enabled=false", has=["ion.storage/1"])

    def test_a_doubled_contract_names_both_plugins(self):
        self.refused("--set", "plugins.storage-memory.enabled=true", has=["storage-mmap", "storage-memory", "ion.storage/1"])

    def test_plugins_that_abort_or_throw_at_load_do_not_harm_the_broker(self):
        folder = BUILD / "tests" / "plugins"
        names = [p.stem.removeprefix("ionstream-plugin-") for p in folder.glob("*.so")]
        chosen = [n for n in names if ("abort" in n or "throw" in n) and "callback" not in n]
        self.assertTrue(chosen, names)
        for name in chosen:
            with self.subTest(plugin=name):
                self.refused("--set", f'plugin_host.directories=["{BUILD}/plugins", "{folder}"]', "--set", f"plugins.{name}.enabled=true", has=[name])

    def test_a_busy_port_is_named(self):
        with socket.socket() as taken, Folder() as folder:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = run_ionstreamd("--dev", "--data-dir", folder / "data", "--set", f"plugins.transport-grpc.config.listen={address}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(address, done.stderr)

    def test_plaintext_off_loopback_is_refused(self):
        with Folder() as folder:
            done = run_ionstreamd("--dev", "--data-dir", folder / "data", "--set", "plugins.transport-grpc.config.listen=0.0.0.0:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("loopback", done.stderr)

    def test_a_data_directory_is_used_by_one_broker(self):
        with Folder() as folder, Broker(folder / "data"):
            done = run_ionstreamd("--dev", "--data-dir", folder / "data", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0")
            self.assertEqual(done.returncode, 1)
            self.assertIn("in use", done.stderr)
            self.assertIn(str(folder / "data"), done.stderr)

    def test_an_unwritable_data_directory_is_named(self):
        done = run_ionstreamd("--dev", "--data-dir", "/proc/ionstream", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/proc/ionstream", done.stderr)

    def test_print_config_prints_what_would_be_used_as_a_file(self):
        done = run_ionstreamd("--dev", "--print-config", "--set", "topics.durability=os")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["topics"]["durability"], "os")
        self.assertIn('"listen"', done.stdout)

    def config(self, verb, file, *args):
        return subprocess.run([str(ION), "config", verb, str(file), *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    def test_a_check_ends_with_one_line_that_says_whether_the_configuration_is_valid(self):
        with Folder() as folder:
            good, bad = folder / "good.jsonc", folder / "bad.jsonc"
            good.write_text('{"node": {"data_dir": "d"}, "plugins": {"storage-memory": {}, "consensus-single": {}, "transport-grpc": {}}}')
            bad.write_text('{"node": {"data_dir": "d"}, "log": {"level": "loud"},\n "topics": {"partitons": 1}, "plugins": {"storage-memory": {}}}')
            for said in (self.config("check", good), run_ionstreamd("--config", good, "--check-config", "--format", "text")):
                self.assertEqual((said.returncode, said.stdout, said.stderr), (0, f"{good}: valid\n", ""))
            for said in (self.config("check", bad), run_ionstreamd("--config", bad, "--check-config", "--format", "text")):
                self.assertEqual((said.returncode, said.stdout), (1, f"{bad}: 2 errors\n"))
                self.assertIn(f"{bad}:1: log.level: ", said.stderr)
                self.assertTrue(all(line.startswith("ionstreamd: ") for line in said.stderr.splitlines()), said.stderr)
                self.assertIn(f"{bad}:2: topics.partitons: ", said.stderr)
            printed = run_ionstreamd("--config", good, "--check-config")
            self.assertEqual((printed.returncode, printed.stderr), (0, ""))
            self.assertIn('"data_dir": "d"', printed.stdout)
            verdict = json.loads(self.config("check", bad, "--format", "json").stdout)
            self.assertEqual((verdict["configuration"], verdict["valid"], len(verdict["errors"])), (str(bad), False, 2))
            none = self.config("check", folder / "none.jsonc")
            self.assertEqual((none.returncode, none.stdout), (1, f"{folder}/none.jsonc: 1 error\n"))

    def test_the_settings_in_force_say_where_each_comes_from(self):
        with Folder() as folder:
            file = folder / "a.jsonc"
            file.write_text('{"node": {"data_dir": "d"},\n "log": {"level": "warn"}, "plugins": {"storage-memory": {}, "consensus-single": {}, "transport-grpc": {}}}')
            said = self.config("print", file, "--set", "topics.partitions=7")
            self.assertEqual(said.returncode, 0, said.stderr)
            rows = {line.split()[0]: line.split()[1:] for line in said.stdout.splitlines()}
            self.assertEqual(rows["KEY"], ["VALUE", "FROM"])
            self.assertEqual(rows["log.level"], ["warn", f"{file}:2"])
            self.assertEqual(rows["topics.partitions"], ["7", "--set", "topics.partitions"])
            self.assertEqual(rows["topics.durability"], ["fsync", "default"])
            self.assertEqual(rows["plugins.transport-grpc.config.listen"], ["127.0.0.1:9640", "default"])
            listed = {s["key"]: s for s in json.loads(self.config("print", file, "--format", "json").stdout)}
            self.assertEqual(listed["log.level"], {"key": "log.level", "value": "warn", "origin": "file", "source": f"{file}:2"})
            file.write_text("{")
            broken = self.config("print", file)
            self.assertEqual((broken.returncode, broken.stdout), (1, ""))
            self.assertIn("a.jsonc:1:2", broken.stderr)

    def test_a_format_that_nothing_would_obey_is_refused(self):
        for flags in (("--dev", "--format", "json"), ("--dev", "--check-config", "--format", "yaml"), ("--dev", "--check-config", "--print-config")):
            with self.subTest(flags):
                self.assertEqual(run_ionstreamd(*flags).returncode, 2)


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.broker = Broker(cls.folder.path / "data").start()
        cls.broker.ion("topic", "create", "t", "-p", "1")
        cls.broker.ion("produce", "t", stdin=b"one\ntwo\n")

    @classmethod
    def tearDownClass(cls):
        cls.broker.kill()
        cls.folder.__exit__()

    def refused(self, *args, stdin=None, has=(), code=None):
        done = self.broker.ion(*args, stdin=stdin, check=False)
        words = done.stderr.decode(errors="replace")
        self.assertNotEqual(done.returncode, 0, (args, words))
        if code is not None:
            self.assertEqual(done.returncode, code, words)
        for part in has:
            self.assertIn(part, words)

    def test_invalid_and_taken_topic_names(self):
        self.refused("topic", "create", "a/b", has=["a/b"])
        self.refused("topic", "create", "__ion_x", has=["__ion_"])
        self.refused("topic", "create", "t", has=["exists"])

    def test_what_is_not_there_yet_is_refused_and_not_ignored(self):
        self.refused("topic", "create", "r3", "-r", "3", has=["3 replicas"])
        self.refused("topic", "create", "c", "-c", "cleanup.policy=archive", has=["cleanup.policy", "delete, compact"])
        self.refused("topic", "create", "c", "-c", "segment.byte=1MiB", has=["segment.bytes"])

    def test_unknown_topics_and_partitions(self):
        self.refused("topic", "describe", "nowhere", has=["nowhere"])
        self.refused("produce", "nowhere", "--delivery-timeout", "2s", stdin=b"x\n", has=["nowhere"])
        self.refused("consume", "nowhere", "-o", "start", "-e", has=["nowhere"])
        self.refused("topic", "delete", "nowhere", "-y", has=["nowhere"])

    def test_an_offset_out_of_range(self):
        self.refused("consume", "t", "-o", "99", "-n", "1", has=["99"])

    def test_an_oversize_record_is_refused_and_the_others_are_kept(self):
        self.broker.ion("topic", "create", "big", "-p", "1")
        huge = b"x" * (3 << 20)
        self.refused("produce", "big", "--delivery-timeout", "20s", stdin=b"before\n" + huge + b"\nafter\n", has=["RECORD_TOO_LARGE"])
        back = self.broker.ion("consume", "big", "-o", "start", "-e", "-f", "%v\n").stdout.split(b"\n")
        self.assertIn(b"before", back)
        self.assertNotIn(huge, back)

    def test_usage_errors_end_with_2(self):
        self.refused("produce", code=2)
        self.refused("topic", "create", "x", "--no-such-flag", code=2, has=["no-such-flag"])
        self.refused("consume", "t", "-f", "%Q", code=2, has=["%Q"])
        self.refused("no-such-command", code=2, has=["no-such-command"])

    def test_no_broker_is_said_in_time(self):
        done = subprocess.run([str(ION), "--brokers", "127.0.0.1:1", "--timeout", "2s", "topic", "list"], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 4 if done.returncode == 4 else done.returncode)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"127.0.0.1:1", done.stderr)

    def test_a_stopped_reader_and_a_client_that_goes_do_not_disturb_others(self):
        self.broker.ion("topic", "create", "flow", "-p", "1", "-c", "durability=os")
        self.broker.ion("produce", "flow", stdin=b"".join(b"%08d%s\n" % (i, b"x" * 1000) for i in range(60000)))
        stopped = subprocess.Popen([str(ION), "--brokers", self.broker.address, "consume", "flow", "-o", "start"], stdout=subprocess.PIPE)
        stopped.stdout.read(1000)
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            back = self.broker.ion("consume", "flow", "-o", "start", "-e", "-f", "%V\n").stdout
            self.assertEqual(back.count(b"\n"), 60000)
        finally:
            os.kill(stopped.pid, signal.SIGKILL)
            stopped.wait(30)
            stopped.stdout.close()
        gone = subprocess.Popen([str(ION), "--brokers", self.broker.address, "produce", "flow"], stdin=subprocess.PIPE)
        gone.stdin.write(b"y" * 100 + b"\n")
        gone.stdin.flush()
        os.kill(gone.pid, signal.SIGKILL)
        gone.wait(30)
        gone.stdin.close()
        self.broker.ion("produce", "flow", stdin=b"still here\n")


class Damage(unittest.TestCase):
    """What happened to the files while the broker was away."""

    def filled(self, folder, values):
        broker = Broker(folder / "data").start()
        broker.ion("topic", "create", "t", "-p", "1")
        broker.ion("produce", "t", "-z", "none", stdin=b"".join(v + b"\n" for v in values))
        return broker

    def segment(self, folder):
        found = [p for p in (folder / "data").rglob("*") if p.is_file() and p.suffix == ".log" and "/p+" in str(p) and b"needle-0" in p.read_bytes()]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_torn_tail_is_cut_and_what_was_acknowledged_is_there(self):
        values = [b"needle-%d" % i for i in range(100)]
        with Folder() as folder:
            broker = self.filled(folder, values)
            broker.kill()
            path = self.segment(folder)
            data = bytearray(path.read_bytes())
            end = data.rindex(b"needle-99") + len(b"needle-99") + 1
            data[end:end + 200] = (b"\0\0\0\0\0\0\0\x64\0\0\0\x80" + b"torn" * 47)[:200]
            path.write_bytes(data)
            with broker.start():
                self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.split(), values)
                broker.ion("produce", "t", stdin=b"more\n")
                self.assertEqual(broker.ion("consume", "t", "-o", "100", "-e", "-f", "%v\n").stdout, b"more\n")

    def test_a_flipped_bit_is_found_never_served_and_never_cut(self):
        values = [b"needle-%d" % i for i in range(100)]
        with Folder() as folder:
            broker = self.filled(folder, values)
            self.assertEqual(broker.stop(), 0)
            path = self.segment(folder)
            before = path.stat().st_size
            data = bytearray(path.read_bytes())
            data[data.index(b"needle-50")] ^= 1
            path.write_bytes(data)
            with broker.start():
                done = broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n", check=False)
                self.assertNotIn(b"oeedle-50", done.stdout)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"CORRUPT", done.stderr + done.stdout)
                refused = broker.ion("produce", "t", "--delivery-timeout", "2s", stdin=b"x\n", check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(b"offsets 0 to 100 are damaged", refused.stderr)
            self.assertEqual(path.stat().st_size, before)


if __name__ == "__main__":
    unittest.main()
