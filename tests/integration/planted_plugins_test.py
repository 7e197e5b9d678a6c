"""Plugins that break one rule each, in a real broker: each is named in the log and in `ion plugin info`, and nothing acknowledged is lost."""
import json
import time
import unittest

from broker import BUILD, Broker, Folder

WAIT_S = 60


def broker(folder, rule, *settings):
    args = ["--set", f"plugin_host.extra_directories=[\"{BUILD}/tests/plugins\"]", "--set", f"plugins.test-{rule}.enabled=true"]
    for setting in settings:
        args += ["--set", setting]
    return Broker(folder / "data", *args)


class Planted(unittest.TestCase):
    def until(self, holds, words):
        deadline = time.monotonic() + WAIT_S
        while not holds():
            self.assertLess(time.monotonic(), deadline, words() if callable(words) else words)
            time.sleep(0.05)

    def info(self, server, rule):
        return json.loads(server.ion("--format", "json", "plugin", "info", f"test-{rule}").stdout)[0]

    def produce(self, server, *values, check=True, limit="60s"):
        """A refusal that a client tries again ends it after `limit`."""
        return server.ion("produce", "t", "--delivery-timeout", limit, stdin="".join(v + "\n" for v in values).encode(), check=check)

    def read(self, server):
        return server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.decode().split()

    def run_planted(self, rule, *settings):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        server = broker(folder.path, rule, *settings)
        self.addCleanup(lambda: server.process and server.kill())
        server.start()
        server.ion("topic", "create", "t")
        self.produce(server, "before")
        return server

    def blamed(self, server, rule, log, error):
        """The line in the log and the last error of the plugin both name it and say what it did."""
        self.until(lambda: error in self.info(server, rule)["last_error"], lambda: str(self.info(server, rule)))
        self.assertGreater(self.info(server, rule)["faults"], 0)
        lines = [line for line in server.log_text().splitlines() if log in line and f"test-{rule}" in line]
        self.assertTrue(lines, server.log_text())

    def goes_on(self, server, *stored):
        """What was acknowledged is there, now and after a restart, and more is taken."""
        self.produce(server, "after")
        self.assertEqual(self.read(server), ["before", *stored, "after"])
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(self.read(server), ["before", *stored, "after"])

    def test_a_batch_that_is_completed_twice(self):
        server = self.run_planted("double-completion")
        self.produce(server, "now")
        self.blamed(server, "double-completion", "an interceptor completed a batch twice", "resumed a batch that is not pending")
        self.goes_on(server, "now")

    def test_a_batch_that_is_never_answered(self):
        server = self.run_planted("never-answers", "plugins.test-never-answers.pending_deadline=500ms")
        done = self.produce(server, "now", check=False, limit="3s")
        self.assertNotEqual(done.returncode, 0)
        self.blamed(server, "never-answers", "an interceptor answered too late", "kept the batch for more than pending_deadline, 500 ms")
        self.goes_on(server)

    def test_a_lease_that_is_not_given_back_is_counted_and_named_when_it_drains(self):
        server = self.run_planted("leaked-lease")
        self.produce(server, "now")
        info = self.info(server, "leaked-lease")
        self.assertEqual((info["leases"], info["leased_bytes"]), (1, 4096))
        self.assertGreaterEqual(info["oldest_lease_ms"], 0)
        self.assertIn("LEASED-BYTES     4.0 KiB", server.ion("plugin", "info", "test-leaked-lease").stdout.decode())
        self.goes_on(server, "now")
        self.assertRegex(server.log_text(), r"a plugin was drained and left work behind plugin=test-leaked-lease what=.*1 buffer of 4096 bytes, the oldest for \d")

    def test_a_function_of_the_control_thread_called_on_another_one(self):
        server = self.run_planted("wrong-thread")
        self.produce(server, "now")
        self.blamed(server, "wrong-thread", "a plugin called the host on a wrong thread", "wanted the control thread")
        self.goes_on(server, "now")

    def test_an_exception_that_crosses_the_table(self):
        server = self.run_planted("throws-in-callback")
        self.assertNotEqual(self.produce(server, "now", check=False).returncode, 0)
        self.blamed(server, "throws-in-callback", "an interceptor failed", "an exception crossed the ABI: thrown through the table")
        self.goes_on(server)

    def test_a_table_of_a_wrong_size_is_refused_at_the_start(self):
        with Folder() as folder:
            server = broker(folder, "wrong-size")
            with self.assertRaises(AssertionError):
                server.start()
            self.assertRegex(server.log_text(), r"plugin test-wrong-size: its table of ion.interceptor/1 has size 8 and no `on`: wanted a size of at least \d+")

    def test_a_second_export_and_state_outside_of_instances_are_remarks_on_the_file(self):
        for rule, words in (("two-exports", "than its entry: ion_test_second_export"), ("static-state", "it keeps state outside of its instances")):
            with self.subTest(rule):
                server = self.run_planted(rule)
                remarks = self.info(server, rule)["remarks"]
                self.assertEqual(len(remarks), 1)
                self.assertIn(words, remarks[0])
                self.assertIn(words, server.ion("plugin", "info", f"test-{rule}").stdout.decode())
                self.assertTrue([line for line in server.log_text().splitlines() if words in line and f"plugin=test-{rule}" in line])
                self.goes_on(server)
        for shipped in ("storage-mmap", "transport-grpc"):
            self.assertEqual(json.loads(server.ion("--format", "json", "plugin", "info", shipped).stdout)[0]["remarks"], [])

    def test_a_drain_that_does_not_complete_is_named_with_its_deadline_and_the_broker_ends(self):
        server = self.run_planted("late-drain", "plugin_host.step_deadline=500ms")
        server.stop()
        self.assertRegex(server.log_text(), r"a plugin did not drain plugin=test-late-drain why=.*it did not complete in time")
        server.start()
        self.assertEqual(self.read(server), ["before"])

    def test_an_endless_loop_costs_its_batch_and_its_thread_and_not_the_broker(self):
        server = self.run_planted("endless-loop", "plugins.test-endless-loop.pending_deadline=500ms")
        self.assertNotEqual(self.produce(server, "now", check=False, limit="10s").returncode, 0)
        self.blamed(server, "endless-loop", "an interceptor does not come back", "did not come back within 500ms")
        self.assertRegex(server.log_text(), r"an interceptor does not come back plugin=test-endless-loop file=\S*ionstream-plugin-test-endless-loop\.so")
        self.assertIn("test-endless-loop", server.ion("cluster", "info").stdout.decode())
        refused = self.produce(server, "later", check=False, limit="3s")
        self.assertIn(b"has not come back from a call", refused.stderr)
        self.assertEqual(self.read(server), ["before"])
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, 45)
        server.start()
        self.assertEqual(self.read(server), ["before"])
        self.produce(server, "after")
        self.assertEqual(self.read(server), ["before", "after"])

    def test_an_endless_loop_of_an_interceptor_that_may_fail_open_lets_later_batches_pass(self):
        server = self.run_planted("endless-loop", "plugins.test-endless-loop.pending_deadline=500ms", "plugins.test-endless-loop.on_error=open")
        self.produce(server, "now")  # given up once, and taken when the client tries again: the interceptor is not asked any more
        self.blamed(server, "endless-loop", "an interceptor does not come back", "did not come back within 500ms")
        self.produce(server, "after")
        self.assertEqual(self.read(server), ["before", "now", "after"])


class Guarded(unittest.TestCase):
    def test_the_broker_and_its_own_plugins_keep_every_rule_that_the_guard_knows(self):
        with Folder() as folder:
            server = Broker(folder / "data", "--set", "plugin_host.guard=true", "--set", f"plugin_host.extra_directories=[\"{BUILD}/tests/plugins\"]",
                            "--set", "plugins.test-intercept.enabled=true", "--set", "plugins.test-intercept.on_reject=record").start()
            try:
                server.ion("topic", "create", "t", "-p", "3", "-c", "segment.bytes=1MiB")
                lines = "".join(f"k{i % 7} {i} {'x' * 1000}\n" for i in range(5000)).encode()
                server.ion("produce", "t", "-f", "%k %v\n", stdin=lines)
                self.assertEqual(len(server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.split(b"\n")), 5001)
                server.ion("topic", "trim", "t", "-p", "0", "--before", "100", "-y")
                server.ion("plugin", "replace", "test-intercept")
                self.assertEqual(server.stop(), 0)
                server.start()
                server.ion("produce", "t", stdin=b"more\n")
                server.ion("topic", "delete", "t", "-y")
                plugins = json.loads(server.ion("--format", "json", "plugin", "list").stdout)
                self.assertEqual([(p["name"], p["last_error"]) for p in plugins if p["faults"]], [])
                self.assertEqual(server.stop(), 0)
                self.assertNotIn("broke a rule", server.log_text())
            finally:
                if server.process:
                    server.kill()


if __name__ == "__main__":
    unittest.main()
