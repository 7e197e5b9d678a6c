"""SIGHUP: what another configuration does to the plugins of a broker that serves."""
import json
import shutil
import signal
import subprocess
import threading
import time
import unittest

from broker import BUILD, ION, Broker, Folder


class Reload(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.config = self.folder.path / "broker.jsonc"

    def write(self, **sections):
        self.config.write_text(json.dumps(sections))

    def start(self, **sections):
        self.write(**sections)
        server = Broker(self.folder.path / "data", config=self.config).start()
        self.addCleanup(lambda: server.process and server.kill())
        return server

    def reload(self, server, until="the configuration was read again", **sections):
        """Answers what the log says from the signal on."""
        before = len(server.log_text())
        self.write(**sections)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while until not in server.log_text()[before:]:
            self.assertLess(time.monotonic(), deadline, f"wanted {until!r} in:\n{server.log_text()[before:]}")
            time.sleep(0.02)
        return server.log_text()[before:]

    def test_keys_of_a_plugin_that_may_change_do_and_the_others_wait(self):
        transport = {"calls_max": 100, "fetch_wait_max": "60s"}
        server = self.start(plugins={"transport-grpc": {"config": transport}})
        server.ion("topic", "create", "t", "-p", "1")
        server.ion("produce", "t", stdin=b"one\n")
        follower = subprocess.Popen([str(ION), "--brokers", server.address, "consume", "t", "-o", "start", "-f", "%v\n"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.assertEqual(follower.stdout.readline(), b"one\n")
            self.lower_and_raise(server, transport)
        finally:
            follower.kill()
            follower.wait()
            follower.stdout.close()
        server.ion("cluster", "info")
        self.assertEqual(server.stop(), 0)

    def lower_and_raise(self, server, transport):
        said = self.reload(server, plugins={"transport-grpc": {"config": {"calls_max": 1, "fetch_wait_max": "60s", "keepalive": "10s"}}})
        self.assertIn("a setting was changed key=plugins.transport-grpc.config.calls_max", said)
        self.assertIn("a changed setting waits for a restart key=plugins.transport-grpc.config.keepalive", said)
        self.assertNotIn("fetch_wait_max", said)
        refused = server.ion("--timeout", "3s", "cluster", "info", check=False)
        self.assertIn(b"this broker serves 1 calls, which is the most", refused.stderr, "the reader has that one")
        said = self.reload(server, plugins={"transport-grpc": {"config": transport}})
        self.assertIn("a setting was changed key=plugins.transport-grpc.config.calls_max", said)
        self.assertIn("settings_that_wait_for_a_restart=0", said)

    def test_an_interceptor_gets_a_new_generation_and_no_record_fails(self):
        server = self.start(plugins={"redact": {"config": {"patterns": ["secret"]}}})
        server.ion("topic", "create", "t", "-p", "1")
        stop, failed = threading.Event(), []
        producer = subprocess.Popen([str(ION), "--brokers", server.address, "produce", "t"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)

        def produce():
            sent = 0
            while not stop.wait(0.001):
                producer.stdin.write(b"%d secret\n" % sent)
                producer.stdin.flush()
                sent += 1
            producer.stdin.close()
            failed.append(producer.stderr.read())
            failed.append(producer.wait(60))
            failed.append(sent)

        thread = threading.Thread(target=produce)
        thread.start()
        try:
            for mask in ("#", "+"):
                said = self.reload(server, plugins={"redact": {"config": {"patterns": ["secret"], "mask": mask}}})
                self.assertIn("a plugin was replaced plugin=redact", said)
                self.assertIn("a setting was changed key=plugins.redact.config.mask", said)
            said = self.reload(server, "goes on with the one it has", plugins={"redact": {"config": {"patterns": ["(secret"], "mask": "-"}}})
            self.assertIn("plugin=redact", said)
        finally:
            stop.set()
            thread.join()
            producer.stderr.close()
        self.assertEqual(failed[:2], [b"", 0])
        rows = [row.split() for row in server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.decode().splitlines()]
        self.assertEqual([int(row[0]) for row in rows], list(range(failed[2])))
        masks = [row[1] for row in rows]
        self.assertEqual(sorted(set(masks), key=masks.index)[-1:], ["+"], "the last one that checks is in force")
        self.assertEqual(masks, sorted(masks, key=["***", "#", "+"].index), "each from one moment on")
        info = json.loads(server.ion("--format", "json", "plugin", "info", "redact").stdout)[0]
        self.assertEqual(info["generation"], 3)
        self.assertEqual(server.stop(), 0)

    def test_a_section_that_does_not_check_keeps_everything_as_it_is(self):
        server = self.start(log={"level": "info"}, plugins={"redact": {"config": {"patterns": ["secret"]}}})
        said = self.reload(server, "the broker goes on with the one it has", log={"level": "debug"},
                           plugins={"redact": {"config": {"pattern": ["secret"]}}, "transport-grpc": {"config": {"calls_max": -3}}})
        self.assertIn("plugins.redact.config.pattern", said)
        self.assertIn("plugins.transport-grpc.config.calls_max", said, "all that is wrong")
        said = self.reload(server, log={"level": "debug"}, plugins={"redact": {"config": {"patterns": ["secret"]}}})
        self.assertIn("a setting was changed key=log.level", said, "it had not been taken over before")
        self.assertEqual(server.stop(), 0)

    def test_a_plugin_hears_of_what_happens_in_the_broker(self):
        plugins = self.folder.path / "plugins"
        plugins.mkdir(mode=0o755)
        file = plugins / "ionstream-plugin-good.so"
        shutil.copy(BUILD / "tests" / "plugins" / "ionstream-plugin-test-good.so", file)
        file.chmod(0o644)
        sections = {"plugin_host": {"extra_directories": [str(plugins)]}, "plugins": {"good": {"config": {"greeting": "hi"}}}}
        server = self.start(**sections, log={"level": "info"})
        server.ion("topic", "create", "heard", "-p", "1")
        server.ion("topic", "add-partitions", "heard", "-p", "2")
        server.ion("topic", "delete", "heard", "-y")
        self.reload(server, **sections, log={"level": "debug"})
        self.assertEqual(server.stop(), 0)
        heard = [line.split("good heard of an event ")[1] for line in server.log_text().splitlines() if "good heard of an event" in line]
        self.assertEqual(heard, ["kind=1 topic=heard", "kind=2 topic=heard", 'kind=16 topic=""', 'kind=8 topic=""'], "not of the deletion, for which it did not ask")


if __name__ == "__main__":
    unittest.main()
