"""`ion plugin replace`: another version of an interceptor takes over while two producers go on, and a bad one changes nothing."""
import json
import re
import shutil
import subprocess
import threading
import unittest

from broker import BUILD, ION, Broker, Folder

RULE = "plugins.rule"


class Replace(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.plugins = self.folder.path / "plugins"
        self.plugins.mkdir(mode=0o755)
        self.put("generation-1", "rule")

    def put(self, version, name=None):
        file = self.plugins / f"ionstream-plugin-{name or version}.so"
        shutil.copy(BUILD / "tests" / "plugins" / f"ionstream-plugin-test-{version}.so", str(file) + ".new")
        (self.plugins / (file.name + ".new")).chmod(0o644)
        (self.plugins / (file.name + ".new")).rename(file)
        return file

    def start(self, *settings):
        args = ["--set", f"plugin_host.extra_directories=[\"{self.plugins}\"]", "--set", f"{RULE}.enabled=true"]
        for setting in settings:
            args += ["--set", setting]
        server = Broker(self.folder.path / "data", *args)
        self.addCleanup(lambda: server.process and server.kill())
        server.start()
        return server

    def info(self, server):
        return json.loads(server.ion("--format", "json", "plugin", "info", "rule").stdout)[0]

    def replace(self, server, file, check=True):
        return server.ion("--timeout", "60s", "--format", "json", "plugin", "replace", "rule", file, check=check)

    def load(self, server, partition, stop, failed):
        """A producer that goes on until `stop`; answers how many records it handed over."""
        process = subprocess.Popen([str(ION), "--brokers", server.address, "produce", "t", "-p", str(partition)], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        n = 0
        while not stop.wait(0.0005):
            process.stdin.write(b"%d/%d\n" % (partition, n))
            process.stdin.flush()
            n += 1
        process.stdin.close()
        errors = process.stderr.read()
        if process.wait(60) != 0 or errors:
            failed.append(errors)
        process.stderr.close()
        return n

    def test_under_load_no_request_fails_and_no_record_is_lost_and_a_bad_file_changes_nothing(self):
        server = self.start()
        server.ion("topic", "create", "t", "-p", "2")
        stop, failed, sent = threading.Event(), [], {}
        producers = [threading.Thread(target=lambda p=p: sent.__setitem__(p, self.load(server, p, stop, failed))) for p in (0, 1)]
        for thread in producers:
            thread.start()
        try:
            answers = [json.loads(self.replace(server, self.put(v)).stdout) for v in ("generation-2", "generation-3", "generation-2")]
            refusals = {v: self.replace(server, self.put(v), check=False) for v in ("generation-fails", "generation-stranger", "generation-aborts", "generation-greedy")}
            info = self.info(server)
            answers.append(json.loads(self.replace(server, self.put("generation-3")).stdout))
        finally:
            stop.set()
            for thread in producers:
                thread.join(90)
        self.assertEqual(failed, [])
        self.assertEqual([(a["version"], a["old_version"], a["generation"]) for a in map(self.one, answers)],
                         [("2.0.0", "1.0.0", 2), ("3.0.0", "2.0.0", 3), ("2.0.0", "3.0.0", 4), ("3.0.0", "2.0.0", 5)])
        self.assertEqual((info["version"], info["generation"], info["state"], info["last_error"]), ("2.0.0", 4, "started", ""))
        for version, words in (("generation-fails", "its table of words is not there"), ("generation-stranger", "wanted another version of ion.test.generation"),
                               ("generation-aborts", "signal 6"), ("generation-greedy", "takes a restart")):
            self.assertNotEqual(refusals[version].returncode, 0)
            self.assertIn(words, refusals[version].stderr.decode())
        stored = {0: [], 1: []}
        seen = []
        for line in server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.decode().split():
            partition, number, version = re.fullmatch(r"(\d)/(\d+)-(\d)", line).groups()
            stored[int(partition)].append(int(number))
            seen.append(int(version))
        for partition in (0, 1):
            self.assertGreater(sent[partition], 100)
            self.assertEqual(stored[partition], list(range(sent[partition])))
        self.assertEqual(set(seen), {1, 2, 3})
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def one(answer):
        return answer[0] if isinstance(answer, list) else answer

    def test_what_a_restart_does_is_said_and_the_configuration_decides_it(self):
        server = self.start()
        server.ion("topic", "create", "t")
        done = self.replace(server, self.put("generation-2"))
        self.assertIn(f"set plugins.rule.path to {self.plugins}/ionstream-plugin-generation-2.so", done.stderr.decode())
        server.ion("produce", "t", stdin=b"a\n")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(self.info(server)["version"], "1.0.0")
        self.put("generation-3", "rule")  # the file that the configuration names is exchanged
        done = server.ion("plugin", "replace", "rule")
        self.assertEqual(done.stderr, b"")
        server.ion("produce", "t", stdin=b"b\n")
        self.assertEqual(server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout, b"a-2\nb-3\n")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(self.info(server)["version"], "3.0.0")

    def test_only_interceptors_and_routers_of_the_configured_directories_are_replaced(self):
        server = self.start()
        elsewhere = self.folder.path / "elsewhere.so"
        shutil.copy(BUILD / "tests" / "plugins" / "ionstream-plugin-test-generation-2.so", elsewhere)
        for args, words in (((elsewhere,), "a file inside of plugin_host.directories"), (("../elsewhere.so",), "a file inside of plugin_host.directories")):
            done = server.ion("plugin", "replace", "rule", *args, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr.decode())
        done = server.ion("plugin", "replace", "storage-mmap", check=False)
        self.assertIn("ion.storage/1", done.stderr.decode())
        self.assertIn("restart", done.stderr.decode())
        done = server.ion("plugin", "replace", "nobody", check=False)
        self.assertIn("PLUGIN_NOT_FOUND", done.stderr.decode())
        self.assertEqual(self.info(server)["generation"], 1)

    def test_a_router_is_replaced_and_keys_go_on_to_their_partitions(self):
        server = self.start()
        server.ion("topic", "create", "t", "-p", "4")
        server.ion("produce", "t", "-f", "%k %v\n", stdin=b"k1 a\nk2 b\n")
        done = server.ion("--format", "json", "plugin", "replace", "partition-router")
        self.assertEqual(self.one(json.loads(done.stdout))["generation"], 2)
        server.ion("produce", "t", "-f", "%k %v\n", stdin=b"k1 c\nk2 d\n")
        lines = [line.split() for line in server.ion("consume", "t", "-o", "start", "-e", "-f", "%p %k %v\n").stdout.decode().splitlines()]
        self.assertEqual(len({(p, k) for p, k, _ in lines}), 2)
        self.assertEqual(server.stop(), 0)

    def test_an_interceptor_that_hangs_is_replaced_and_batches_are_taken_again(self):
        self.put("endless-loop", "rule")
        server = self.start(f"{RULE}.pending_deadline=500ms", "plugin_host.step_deadline=1s")
        server.ion("topic", "create", "t")
        self.assertNotEqual(server.ion("produce", "t", "--delivery-timeout", "10s", stdin=b"now\n", check=False).returncode, 0)
        self.assertNotEqual(server.ion("produce", "t", "--delivery-timeout", "10s", stdin=b"refused\n", check=False).returncode, 0)
        done = server.ion("--timeout", "60s", "plugin", "replace", "rule")
        self.assertIn("the old generation did not end in time", done.stderr.decode())
        server.ion("produce", "t", stdin=b"taken\n")
        self.assertNotIn("rule", server.ion("cluster", "info").stdout.decode())
        self.assertEqual(server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout, b"taken\n")


if __name__ == "__main__":
    unittest.main()
