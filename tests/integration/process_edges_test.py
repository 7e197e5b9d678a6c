"""Where the broker meets its process: signals, standard files, limits, temporary directories, and what a check of the configuration promises."""
import os
import pathlib
import re
import resource
import select
import signal
import subprocess
import time
import unittest

from broker import Broker, Folder, ION, IONSTREAMD, STOP_LIMIT_S, run_ionstreamd

QUICK_S = 20


def ready_line(process, limit_s=60):
    readable, _, _ = select.select([process.stdout], [], [], limit_s)
    assert readable, "no ready line"
    line = process.stdout.readline()
    assert line.startswith("ready"), line
    return re.search(r"[0-9.]+:[0-9]+", line).group(0)


def wait_for_text(broker, text, limit_s=QUICK_S):
    deadline = time.monotonic() + limit_s
    while text not in broker.log_text():
        assert time.monotonic() < deadline, f"wanted {text!r} in:\n{broker.log_text()}"
        time.sleep(0.02)


def until(what, probe):
    deadline = time.monotonic() + QUICK_S
    while not probe():
        assert time.monotonic() < deadline, f"not within {QUICK_S} s: {what}"
        time.sleep(0.02)


def is_over(pid):
    """Ended, also when nobody has asked for its exit code yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class StandardFiles(unittest.TestCase):
    def test_a_broker_outlives_the_reader_of_its_log(self):
        with Folder() as folder:
            log_read, log_write = os.pipe()
            broker = Broker(folder / "d", "--set", "log.level=debug")
            process = subprocess.Popen(broker.command(), stdout=subprocess.PIPE, stderr=log_write, stdin=subprocess.DEVNULL, text=True)
            os.close(log_write)
            try:
                broker.address = ready_line(process)
                os.close(log_read)
                process.send_signal(signal.SIGHUP)
                for name in ("a", "b", "c"):
                    done = subprocess.run([str(ION), "--brokers", broker.address, "topic", "create", name], capture_output=True, timeout=60)
                    self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIsNone(process.poll())
                process.terminate()
                self.assertEqual(process.wait(STOP_LIMIT_S), 0)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()

    def test_a_log_that_nobody_reads_does_not_hold_up_the_stop(self):
        with Folder() as folder:
            log_read, log_write = os.pipe()
            os.set_blocking(log_write, False)
            try:
                while True:
                    os.write(log_write, b"x" * 4096)
            except BlockingIOError:
                pass
            os.set_blocking(log_write, True)
            broker = Broker(folder / "d")
            process = subprocess.Popen(broker.command(), stdout=subprocess.PIPE, stderr=log_write, stdin=subprocess.DEVNULL, text=True)
            os.close(log_write)
            try:
                ready_line(process)
                process.terminate()
                self.assertEqual(process.wait(QUICK_S), 0)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
                os.close(log_read)

    def test_closed_standard_files_do_not_become_files_of_the_broker(self):
        with Folder() as folder:
            broker = Broker(folder / "d", "--set", "log.level=debug")
            command = " ".join(f"'{part}'" for part in broker.command())
            process = subprocess.Popen(["/bin/sh", "-c", f"exec {command} <&- >&- 2>&-"])
            try:
                deadline = time.monotonic() + 60
                while not (folder / "d" / "storage-mmap").exists():
                    self.assertIsNone(process.poll())
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                for number in (0, 1, 2):
                    self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
                process.terminate()
                self.assertEqual(process.wait(STOP_LIMIT_S), 0)
            finally:
                process.kill()
                process.wait()
            with Broker(folder / "d") as again:
                self.assertEqual(again.stop(), 0)

    def test_what_was_asked_for_and_cannot_be_written_is_a_failure(self):
        for flag in ("--version", "--help", "--print-schema"):
            with self.subTest(flag), open("/dev/full", "wb") as full:
                done = subprocess.run([str(IONSTREAMD), flag], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(done.returncode, 1)
                self.assertIn("No space left on device", done.stderr)


class Signals(unittest.TestCase):
    def test_sighup_reads_the_configuration_again(self):
        with Folder() as folder:
            file = folder / "main.jsonc"
            file.write_text('{"log": {"level": "info"}, "topics": {"partitions": 1}}')
            with Broker(folder / "d", config=file) as broker:
                file.write_text('{"log": {"level": "debug"}, "topics": {"partitions": 2}}')
                broker.process.send_signal(signal.SIGHUP)
                wait_for_text(broker, "the configuration was read again")
                self.assertIn("a setting was changed key=log.level", broker.log_text())
                self.assertIn("a changed setting waits for a restart key=topics.partitions", broker.log_text())
                file.write_text('{"log": {"level": "loud"}}')
                broker.process.send_signal(signal.SIGHUP)
                wait_for_text(broker, "the broker goes on with the one it has")
                broker.ion("topic", "create", "t")
                self.assertEqual(broker.stop(), 0)

    def test_a_reader_that_is_stopped_costs_three_seconds_and_is_no_failure(self):
        with Folder() as folder, Broker(folder / "d") as broker:
            broker.ion("topic", "create", "t")
            broker.ion("produce", "t", stdin=b"x" * 900_000 + b"\n")
            reader = subprocess.Popen([str(ION), "--brokers", broker.address, "consume", "t", "-o", "start"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
            try:
                self.assertTrue(reader.stdout.read(1))
                reader.send_signal(signal.SIGSTOP)
                begun = time.monotonic()
                self.assertEqual(broker.stop(), 0)
                self.assertLess(time.monotonic() - begun, 8)
            finally:
                reader.kill()
                reader.wait()
                reader.stdout.close()

    def test_start_and_stop_are_told_in_words(self):
        with Folder() as folder, Broker(folder / "d") as broker:
            self.assertEqual(broker.stop(), 0)
            for words in ("the broker starts version=", "data_dir=", "plugin loaded", "clients are served", "the broker is ready",
                          "the broker was told to stop signal=SIGTERM", "the broker has stopped"):
                self.assertIn(words, broker.log_text())


class Benchmark(unittest.TestCase):
    def test_the_null_broker_of_a_killed_benchmark_ends_with_it(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            # Its words do not reach the benchmark, whose pipe stays open: it waits for them until it is killed.
            program = folder / "null-broker"
            program.write_text(f'#!/bin/sh\necho $$ > "{folder}/pid"\nexec 3>&1\nexec "{IONSTREAMD}" "$@" > "{folder}/words"\n')
            program.chmod(0o755)
            bench = subprocess.Popen([str(ION), "--brokers", broker.address, "bench", "produce", "t"], env={**os.environ, "ION_BROKERD": str(program), "TMPDIR": str(folder)},
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                words = folder / "words"
                until("the null broker serves", lambda: words.exists() and "ready" in words.read_text())
            finally:
                bench.kill()
                bench.wait(QUICK_S)
            pid = (folder / "pid").read_text().strip()
            self.addCleanup(lambda: is_over(pid) or os.kill(int(pid), signal.SIGKILL))
            until("it ends too", lambda: is_over(pid))


class Limits(unittest.TestCase):
    def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(self):
        with Folder() as folder:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            broker = Broker(folder / "d")
            process = subprocess.Popen(broker.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
            try:
                ready_line(process)
                self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE), (hard, hard))
            finally:
                process.terminate()
                self.assertEqual(process.wait(STOP_LIMIT_S), 0)
                process.stdout.close()


class TemporaryDirectory(unittest.TestCase):
    def start(self, folder):
        env = dict(os.environ, TMPDIR=str(folder))
        return subprocess.Popen([str(IONSTREAMD), "--dev", "--set", "plugins.transport-grpc.config.listen=127.0.0.1:0"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True, env=env)

    def test_dev_leaves_nothing_behind_after_a_stop_and_a_failed_start(self):
        with Folder() as folder:
            process = self.start(folder)
            ready_line(process)
            process.terminate()
            self.assertEqual(process.wait(STOP_LIMIT_S), 0)
            process.stdout.close()
            done = subprocess.run([str(IONSTREAMD), "--dev", "--set", "plugins.transport-grpc.config.listen=192.0.2.1:0"], capture_output=True,
                                  timeout=60, env=dict(os.environ, TMPDIR=str(folder)))
            self.assertEqual(done.returncode, 1)
            self.assertEqual(list(folder.iterdir()), [])

    def test_what_a_killed_dev_broker_left_is_removed_by_the_next_and_a_living_one_keeps_its_own(self):
        with Folder() as folder:
            killed, living = self.start(folder), self.start(folder)
            for process in (killed, living):
                ready_line(process)
            killed.kill()
            killed.wait()
            killed.stdout.close()
            third = self.start(folder)
            ready_line(third)
            owners = sorted(int(path.name.split("-")[2]) for path in folder.iterdir())
            for process in (living, third):
                process.terminate()
                self.assertEqual(process.wait(STOP_LIMIT_S), 0)
                process.stdout.close()
            self.assertEqual(owners, sorted((living.pid, third.pid)))
            self.assertEqual(list(folder.iterdir()), [])


class Check(unittest.TestCase):
    """What cannot start does not pass the check, and the other way round, in the same words."""
    LISTEN = "plugins.transport-grpc.config.listen"

    def test_the_check_refuses_what_a_start_refuses(self):
        table = {
            "limits.batch_bytes_max=32MiB limits.record_bytes_max=32MiB limits.fetch_bytes_max=64MiB": "message_bytes_max",
            "limits.record_bytes_max=20MiB": "batch_bytes_max",
            "limits.inflight_bytes_max=8MiB": "inflight_bytes_max",
            "plugins.storage-mmap.enabled=false": "ion.storage/1",
            "plugins.consensus-single.enabled=false": "ion.consensus/1",
            "plugins.transport-grpc.enabled=false": "ion.transport/1",
            "plugins.storage-memory.enabled=true": "ion.storage/1",
            "plugins.nowhere.enabled=true": "nowhere",
            f"{self.LISTEN}=foo": "foo",
            f"{self.LISTEN}=127.0.0.1:70000": "70000",
            "plugins.transport-grpc.config.nothing=1": "nothing",
            "log.level=loud": "loud",
        }
        for settings, named in table.items():
            with self.subTest(settings), Folder() as folder:
                flags = ["--dev", "--data-dir", str(folder / "d")]
                for setting in settings.split():
                    flags += ["--set", setting]
                checked, started = run_ionstreamd(*flags, "--check-config"), run_ionstreamd(*flags)
                self.assertNotEqual(checked.returncode, 0, settings)
                self.assertNotEqual(started.returncode, 0, settings)
                last = checked.stderr.strip().splitlines()[-1]
                self.assertIn(named, last)
                self.assertIn(last, started.stderr)

    def test_a_data_directory_that_cannot_be_one_is_refused_by_both_and_nothing_is_made(self):
        with Folder() as folder:
            (folder / "file").write_bytes(b"not a directory")
            (folder / "link").symlink_to("nowhere")
            (folder / "d").mkdir()
            (folder / "d" / "storage-mmap").write_bytes(b"")
            (folder / "e").mkdir()
            (folder / "e" / "plugins").write_bytes(b"")
            before = sorted(folder.rglob("*"))
            for path in ("file", "file/below", "file/two/below", "link", "link/below", "d", "e", "n" * 256, "/proc", "/proc/x", "/proc/self/x/y", "/sys/x"):
                flags = ["--dev", "--data-dir", str(folder / path)]
                checked, started = run_ionstreamd(*flags, "--check-config"), run_ionstreamd(*flags)
                self.assertEqual((checked.returncode, started.returncode), (1, 1), path)
                self.assertEqual(checked.stderr.strip().splitlines()[-1], started.stderr.strip().splitlines()[-1])
                self.assertIn(str(folder / path)[-12:], checked.stderr)
                self.assertEqual(checked.stdout, "")
            self.assertEqual(sorted(folder.rglob("*")), before)
            self.assertEqual((folder / "file").read_bytes(), b"not a directory")

    def test_an_empty_value_is_refused_and_names_its_option(self):
        for option in ("--data-dir", "--config"):
            done = run_ionstreamd("--dev", option, "")
            self.assertEqual((done.returncode, done.stderr), (2, f"ionstreamd: {option}: its value is empty\n"))

    def test_a_start_that_is_told_no_data_directory_is_refused_by_both(self):
        checked, started = run_ionstreamd("--check-config"), run_ionstreamd()
        self.assertEqual((checked.returncode, started.returncode), (1, 2))
        self.assertEqual(checked.stderr, started.stderr)

    def test_a_running_broker_is_no_reason_to_refuse_its_configuration(self):
        with Folder() as folder, Broker(folder / "data"):
            self.assertEqual(run_ionstreamd("--dev", "--data-dir", str(folder / "data"), "--check-config").returncode, 0)

    def test_a_good_configuration_passes_and_nothing_is_made(self):
        with Folder() as folder:
            checked = run_ionstreamd("--dev", "--data-dir", str(folder / "d"), "--check-config")
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))
            self.assertFalse((folder / "d").exists())

    def test_a_file_of_conf_d_that_is_not_read_is_named(self):
        with Folder() as folder:
            (folder / "main.jsonc").write_text("{}")
            (folder / "conf.d").mkdir()
            (folder / "conf.d" / "10.json").write_text("{}")
            checked = run_ionstreamd("--dev", "--config", folder / "main.jsonc", "--check-config")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertIn(str(folder / "conf.d" / "10.json"), checked.stderr)
            with Broker(folder / "d", config=folder / "main.jsonc") as broker:
                self.assertIn("conf.d/10.json", broker.log_text())
                self.assertEqual(broker.stop(), 0)

    def test_a_byte_order_mark_and_carriage_returns_are_read(self):
        with Folder() as folder:
            body = b'{\r\n  // one node\r\n  "topics": {"partitions": 3}\r\n}\r\n'
            for name, data in (("crlf", body), ("mark", b"\xef\xbb\xbf" + body)):
                with self.subTest(name):
                    (folder / "main.jsonc").write_bytes(data)
                    printed = run_ionstreamd("--dev", "--config", folder / "main.jsonc", "--print-config")
                    self.assertEqual(printed.returncode, 0, printed.stderr)
                    self.assertIn('"partitions": 3', printed.stdout)


if __name__ == "__main__":
    unittest.main()
