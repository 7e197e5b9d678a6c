"""ion-conform over our own plugins, which keep every rule, and over plugins that break one each: that rule must be named."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import unittest

BUILD = pathlib.Path(os.environ["ION_BUILD"])
CONFORM = BUILD / "bin" / "ion-conform"
OURS = BUILD / "plugins"
TEST_PLUGINS = BUILD / "tests" / "plugins"
LIMIT_S = 500

# (kind, file, settings): every rule holds.
WHOLE = [
    ("storage", OURS / "ionstream-plugin-storage-memory.so", {}),
    ("storage", OURS / "ionstream-plugin-storage-mmap.so", {}),
    ("storage", TEST_PLUGINS / "ionstream-plugin-template-storage.so", {}),
    ("router", OURS / "ionstream-plugin-partition-router.so", {}),
    ("router", TEST_PLUGINS / "ionstream-plugin-template-router.so", {}),
    ("interceptor", TEST_PLUGINS / "ionstream-plugin-template-interceptor.so", {}),
    ("interceptor", OURS / "ionstream-plugin-json-schema-check.so", {"schema": {"type": "object"}}),
    ("interceptor", OURS / "ionstream-plugin-redact.so", {"fields": ["/a/*"], "patterns": ["v"], "headers": ["h"], "not_json": "pass"}),
    ("interceptor", OURS / "ionstream-plugin-route-by-header.so", {"header": "h", "routes": ["1=elsewhere"]}),
    ("load", OURS / "ionstream-plugin-transport-grpc.so", {}),
    ("load", TEST_PLUGINS / "broken" / "ionstream-plugin-broken-interceptor-by-setting.so", {}),
    ("load", TEST_PLUGINS / "broken" / "ionstream-plugin-broken-router-by-setting.so", {}),
    ("load", TEST_PLUGINS / "broken" / "ionstream-plugin-broken-storage-by-setting.so", {}),
]
ANSWERED = "each batch is answered with a verdict and none makes it fail"
FIRST_READ = "what was appended is read back byte for byte"
# (kind, plugin, defect of its settings, the rule that must be named)
BROKEN = [
    ("interceptor", "static", "", "it has no variable that instances would share"),
    ("interceptor", "thread", "", "mapping it takes less than a tenth of a second and leaves no thread and no descriptor"),
    ("interceptor", "export", "", "its only export is its entry"),
    ("interceptor", "any-key", "", "a key that it does not know is refused by name"),
    ("interceptor", "any-major", "", "its entry refuses a host of another major"),
    ("interceptor", "needs", "", "without a service that it needs it refuses in words"),
    ("interceptor", "by-setting", "any-table", "each contract that it provides has one table and any other text none"),
    ("interceptor", "by-setting", "destroy", "an instance may be destroyed without having been started"),
    ("interceptor", "by-setting", "drain", "two instances on two hosts live and end by themselves"),
    ("interceptor", "by-setting", "leak-of-life", "a thousand lives leave no memory no thread and no descriptor"),
    ("interceptor", "hooks", "", "its hooks needs and flags are ones that there are"),
    ("interceptor", "by-setting", "verdict", ANSWERED),
    ("interceptor", "by-setting", "throws", ANSWERED),
    ("interceptor", "by-setting", "writes", ANSWERED),
    ("interceptor", "by-setting", "keeps", "what an answered batch held is not used again"),
    ("interceptor", "header", "reads", ANSWERED),
    ("interceptor", "by-setting", "beyond", ANSWERED),
    ("interceptor", "by-setting", "silent", ANSWERED),
    ("interceptor", "by-setting", "twice", ANSWERED),
    ("interceptor", "by-setting", "resumes", ANSWERED),
    ("interceptor", "by-setting", "route", ANSWERED),
    ("interceptor", "by-setting", "loop", ANSWERED),
    ("interceptor", "by-setting", "young", "a host with a shorter table is enough"),
    ("interceptor", "header", "race", "a reentrant one answers on four threads as on one"),
    ("interceptor", "by-setting", "leak", "a thousand batches leave no memory behind"),
    ("router", "by-setting", "outside", "a key leads to a partition that there is"),
    ("router", "by-setting", "impure", "a key leads to the same partition each time and in each process"),
    ("router", "by-setting", "one", "keys are spread over the partitions"),
    ("router", "by-setting", "no-partitions", "a topic without partitions is invalid"),
    ("router", "by-setting", "same", "replicas of a partition are different brokers that there are"),
    ("router", "by-setting", "counts", "a placement is the same for the same question"),
    ("router", "by-setting", "few", "too few brokers and too little room are invalid"),
    ("router", "by-setting", "room", "too few brokers and too little room are invalid"),
    ("router", "by-setting", "foreign", "a reader is sent to one of the replicas"),
    ("router", "by-setting", "nobody", "without a replica nothing is chosen"),
    ("storage", "by-setting", "next", FIRST_READ),
    ("storage", "by-setting", "twice", FIRST_READ),
    ("storage", "by-setting", "upto", "no batch that ends above upto is given"),
    ("storage", "by-setting", "bytes", "a read gives whole batches from the one that holds the offset"),
    ("storage", "by-setting", "below", "reads outside of the log are out of range and at its end empty"),
    ("storage", "by-setting", "slice", "slices stay as they were after truncation close and remove"),
    ("storage", "by-setting", "sync", "what the capabilities do not claim is refused"),
    ("storage", "by-setting", "suffix", "truncating the suffix cuts exactly and the log goes on there"),
    ("storage", "by-setting", "prefix", "truncating the prefix moves the first offset exactly"),
    ("storage", "by-setting", "time", "the search begins where it is told to"),
    ("storage", "by-setting", "meta", "meta items are put together replaced and deleted"),
    ("storage", "by-setting", "ranges", "sealing makes a piece and an empty active one stays"),
    ("storage", "by-setting", "seal", "sealing makes a piece and an empty active one stays"),
    ("storage", "by-setting", "existing", "a log is open once and missing ones are not made when existing is asked"),
    ("storage", "by-setting", "list", "many logs are listed by prefix in order and do not mix"),
    ("storage", "by-setting", "identity", "a restart keeps what is durable and the identity with it"),
]


def conform(*words):
    return subprocess.run([str(CONFORM), *[str(w) for w in words]], capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)


def judged(kind, file, settings):
    done = conform(kind, file, "--format", "json", "--timeout", "20", "--config", json.dumps(settings))
    return done, json.loads(done.stdout)[0] if done.stdout else None


class Conform(unittest.TestCase):
    def test_every_rule_holds_for_our_own_plugins(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (kind, file, _), (done, report) in zip(WHOLE, pool.map(lambda w: judged(*w), WHOLE)):
                with self.subTest(f"{kind} {file.name}"):
                    self.assertIsNotNone(report, done.stderr)
                    self.assertEqual([r for r in report["rules"] if r["result"] == "broken"], [])
                    self.assertTrue(report["holds"])
                    self.assertEqual(done.returncode, 0)
                    self.assertGreater(len(report["rules"]), 11)

    def test_a_broken_promise_is_named(self):
        def ask(row):
            kind, plugin, defect, _ = row
            file = TEST_PLUGINS / "broken" / f"ionstream-plugin-broken-{kind}-{plugin}.so"
            return judged(kind, file, {"defect": defect} if defect else {})
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for (kind, plugin, defect, rule), (done, report) in zip(BROKEN, pool.map(ask, BROKEN)):
                with self.subTest(f"{kind} {plugin} {defect}"):
                    self.assertEqual(done.returncode, 1, done.stderr)
                    broken = [r for r in report["rules"] if r["result"] == "broken"]
                    self.assertIn(rule, [r["rule"] for r in broken])
                    for r in broken:
                        self.assertTrue(any(f["seen"] or f["text"] for f in r["failures"]), r)

    def test_a_file_that_is_no_plugin_breaks_the_rules_and_ends_nothing(self):
        for file in (CONFORM, "/dev/null", "/no/such/file"):
            done, report = judged("load", file, {})
            self.assertEqual(done.returncode, 1, file)
            self.assertFalse(report["holds"])

    def test_the_report_names_rule_wanted_and_seen(self):
        file = TEST_PLUGINS / "broken" / "ionstream-plugin-broken-router-by-setting.so"
        done = conform("router", file, "--config", '{"defect":"one"}')
        self.assertEqual(done.returncode, 1)
        self.assertIn("  broken: Router: keys are spread over the partitions\n", done.stdout)
        self.assertRegex(done.stdout, r"    expected: .*> .*\n    seen:     1 vs 4\n")

    def test_wrong_words_are_a_usage_error_that_lists_the_kinds(self):
        for words in ([], ["queue", "x.so"], ["load"], ["load", "x.so", "--format", "xml"], ["load", "x.so", "--config"]):
            done = conform(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("load|interceptor|router|storage", done.stderr)


if __name__ == "__main__":
    unittest.main()
