"""What becomes of a batch that an interceptor changes: on the wire, in the log, for an idempotent producer and its repeats."""
import json
import threading
import time
import unittest

import grpc

import wire_test as wire
from broker import BUILD, Broker, Folder

PLUGIN = "plugins.test-intercept"


def started(folder, *settings, **more):
    args = ["--set", f"plugin_host.extra_directories=[\"{BUILD}/tests/plugins\"]", "--set", f"{PLUGIN}.enabled=true"]
    for setting in settings:
        args += ["--set", f"{PLUGIN}.{setting}"]
    return Broker(folder / "data", *args, **more).start()


class Intercepted(unittest.TestCase):
    SETTINGS = ("on_reject=record",)

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.server = started(self.folder.path, *self.SETTINGS)
        self.addCleanup(lambda: self.server.process and self.server.kill())
        self.client = wire.Client(self.server.address)
        for topic in ("t", "other"):
            self.client.admin("CreateTopic", name=topic, partitions=1)
        identity = self.client.broker("InitProducer")
        self.who = (identity.producer_id, identity.producer_epoch)
        self.sequence = 0

    def restart(self):
        self.client.close()
        self.server.kill()
        self.server.start()
        self.client = wire.Client(self.server.address)

    def put(self, *values, sequence=None):
        """One batch of an idempotent producer; answers its ack."""
        at = self.sequence if sequence is None else sequence
        ack = self.client.broker("Produce", topic="t", partition=0, records=wire.batch(values, *self.who, at)).acks[0]
        self.sequence = max(self.sequence, at + len(values))
        return ack

    def refused(self, *values):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.broker("Produce", topic="t", partition=0, records=wire.batch(values))
        return caught.exception

    def read(self, topic="t", offset=0):
        return [(m.offset, m.value) for m in self.client.broker("Fetch", topic=topic, partition=0, offset=offset, delivery=2).messages]

    def test_a_dropped_record_leaves_the_others_their_offsets_and_the_producer_its_sequence(self):
        ack = self.put(b"a", b"drop", b"upper")
        self.assertEqual((ack.base_offset, ack.next_offset), (0, 3))
        self.assertEqual([(o.index, o.HasField("error")) for o in ack.not_stored], [(1, False)])
        self.assertEqual(self.put(b"d").base_offset, 3)
        self.assertEqual(self.read(), [(0, b"a"), (2, b"UPPER"), (3, b"d")])
        for _ in range(2):  # a repeat is known, also by what the log tells after a crash
            again = self.put(b"a", b"drop", b"upper", sequence=0)
            self.assertTrue(again.duplicate)
            self.assertEqual(again.base_offset, 0)
            self.restart()
        self.assertEqual(self.put(b"e").base_offset, 4)
        self.assertEqual(len(self.read()), 4)

    def test_a_dropped_batch_is_told_and_uses_up_its_sequences(self):
        ack = self.put(b"drop-batch", b"x")
        self.assertTrue(ack.dropped)
        self.assertEqual([o.index for o in ack.not_stored], [0, 1])
        self.assertFalse(self.put(b"a").dropped)
        self.assertTrue(self.put(b"drop-batch", b"x", sequence=0).dropped)
        self.restart()
        self.assertFalse(self.put(b"b").dropped)
        self.assertEqual([v for _, v in self.read()], [b"a", b"b"])
        plain = self.client.broker("Produce", topic="t", partition=0, records=wire.batch([b"drop-batch"])).acks[0]
        self.assertTrue(plain.dropped)
        self.assertEqual(plain.base_offset, -1)

    def test_one_rejected_record_is_told_with_its_index_and_the_others_are_stored(self):
        ack = self.put(b"a", b"reject", b"c", b"reject")
        self.assertEqual([(o.index, o.error.detail) for o in ack.not_stored], [(1, "interceptor test-intercept: it says reject"), (3, "interceptor test-intercept: it says reject")])
        self.assertEqual(self.read(), [(0, b"a"), (2, b"c")])

    def test_of_messages_that_go_to_several_partitions_the_number_is_the_one_in_the_request(self):
        self.client.admin("CreateTopic", name="two", partitions=2)
        asked = [(b"k%d" % (i // 2), b"reject" if i in (3, 6) else b"v") for i in range(8)]
        acks = self.client.broker("Produce", topic="two", messages=[{"key": k, "value": v} for k, v in asked]).acks
        self.assertEqual(len(acks), 2, "the keys go to both partitions")
        self.assertEqual(sorted(o.index for a in acks for o in a.not_stored), [3, 6])

    def test_a_rejected_batch_says_who_and_why(self):
        self.assertIn("interceptor test-intercept: it says reject-batch", self.refused(b"reject-batch", b"x").details())
        self.assertEqual(self.read(), [])

    def test_a_routed_batch_is_stored_elsewhere_and_its_producer_goes_on(self):
        self.put(b"a")
        ack = self.put(b"route other", b"x")
        self.assertEqual((ack.routed_topic, ack.routed_partition, ack.base_offset), ("other", 0, 0))
        self.assertFalse(self.put(b"b").routed_topic)
        self.restart()
        self.assertFalse(self.put(b"c").routed_topic)
        self.assertEqual([v for _, v in self.read()], [b"a", b"b", b"c"])
        self.assertEqual([v for _, v in self.read("other")], [b"route other", b"x"])
        self.assertIn("nowhere", self.refused(b"route nowhere").details())

    def test_a_batch_that_is_routed_and_edited_is_stored_as_it_was_left(self):
        for produce in (self.put, lambda *values: self.client.broker("Produce", topic="t", partition=0, records=wire.batch(values)).acks[0]):
            ack = produce(b"drop", b"upper", b"route other")
            self.assertEqual((ack.routed_topic, [o.index for o in ack.not_stored]), ("other", [0]))
            self.assertEqual([m for m in self.read("other", ack.base_offset) if m[0] >= ack.base_offset],
                             [(ack.base_offset + 1, b"UPPER"), (ack.base_offset + 2, b"route other")])
        self.assertEqual(self.read(), [])

    def test_the_text_of_an_exception_reaches_client_and_operator(self):
        self.assertIn("interceptor test-intercept failed: it says throw", self.refused(b"throw").details().replace("on threw: ", ""))
        self.assertIn(b"it says throw", self.server.ion("plugin", "list").stdout)

    def test_a_record_hidden_from_readers_is_stored_and_skipped_in_every_form(self):
        self.server.ion("produce", "t", stdin=b"a\nhide\nb\nhide\n")
        self.assertEqual([v for _, v in self.read()], [b"a", b"b"])
        self.assertEqual(self.read(offset=3), [])
        self.assertEqual(self.server.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout, b"a\nb\n")
        self.assertEqual(self.client.broker("Fetch", topic="t", partition=0, offset=0).high_watermark, 4)

    def test_a_record_hidden_from_readers_is_not_got_by_its_id_either(self):
        ids = self.server.ion("produce", "t", "-o", "%u\n", stdin=b"a\nhide\nb\n").stdout.decode().split()
        got = self.server.ion("get", *ids, "-f", "%v\n", check=False)
        self.assertEqual((got.returncode, got.stdout), (3, b"a\nb\n"))
        self.assertRegex(got.stderr.decode(), rf"^ion: get {ids[1]}: NOT_FOUND RECORD_NOT_FOUND: topic t partition 0: offset 1 holds no record any more\n$")

    def test_a_producer_whose_records_are_dropped_succeeds(self):
        done = self.server.ion("produce", "t", stdin=b"a\ndrop\nb\n")
        self.assertEqual(done.returncode, 0)
        done = self.server.ion("produce", "t", stdin=b"drop-batch\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = self.server.ion("produce", "t", stdin=b"c\nreject\nd\n", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"it says reject", done.stderr)
        self.assertEqual([v for _, v in self.read()], [b"a", b"b", b"c", b"d"])


class WholeBatches(Intercepted):
    """The default of on_reject."""
    SETTINGS = ()

    def test_one_rejected_record_is_told_with_its_index_and_the_others_are_stored(self):
        self.assertIn("record 1: interceptor test-intercept: it says reject", self.refused(b"a", b"reject", b"c").details())
        self.assertEqual(self.read(), [])

    def test_of_messages_that_go_to_several_partitions_the_number_is_the_one_in_the_request(self):
        self.client.admin("CreateTopic", name="two", partitions=2)
        asked = [(b"k%d" % (i // 2), b"reject" if i == 6 else b"v") for i in range(8)]
        acks = self.client.broker("Produce", topic="two", messages=[{"key": k, "value": v} for k, v in asked]).acks
        self.assertEqual([[o.index for o in a.not_stored] for a in acks if a.HasField("error")], [[6]])

    def test_a_record_hidden_from_readers_is_not_got_by_its_id_either(self):
        ids = self.server.ion("produce", "t", "-o", "%u\n", stdin=b"a\nhide\nb\n").stdout.decode().split()
        got = self.server.ion("get", *ids, "-f", "%v\n", check=False)
        self.assertEqual((got.returncode, got.stdout), (3, b"a\nb\n"))
        self.assertRegex(got.stderr.decode(), rf"^ion: get {ids[1]}: NOT_FOUND RECORD_NOT_FOUND: topic t partition 0: offset 1 holds no record any more\n$")

    def test_a_producer_whose_records_are_dropped_succeeds(self):
        done = self.server.ion("produce", "t", stdin=b"c\nreject\n", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"record 2: REJECTED INTERCEPTOR: interceptor test-intercept: it says reject\n", done.stderr)


class Seen(unittest.TestCase):
    """What `ion plugin info` and `ion cluster info` say of an interceptor."""

    def info(self, server, name="test-intercept"):
        return json.loads(server.ion("--format", "json", "plugin", "info", name).stdout)[0]

    def test_a_plugin_is_shown_with_its_settings_and_its_counts(self):
        with Folder() as folder, started(folder, "on_reject=record", "budget=1s") as server:
            server.ion("topic", "create", "t")
            server.ion("produce", "t", stdin=b"a\ndrop\nreject\nupper\n", check=False)
            info = self.info(server)
            self.assertEqual((info["id"], info["state"], info["provides"], info["last_error"]), ("ion.test.by-value", "started", ["ion.interceptor/1"], ""))
            self.assertRegex(info["abi"], r"^\d+\.\d+$")
            self.assertRegex(info["sha256"], r"^[0-9a-f]{64}$")
            settings = {s["key"]: (s["value"], s["origin"]) for s in info["config"]}
            self.assertEqual(settings["budget"], ("1s", "configured"))
            self.assertEqual(settings["on_error"], ("closed", "default"))
            did = info["interceptor"]
            self.assertEqual((did["hooks"], did["rejected"], did["dropped"], did["breaker"]), (["produce", "fetch"], 1, 1, "off"))
            self.assertGreaterEqual(did["calls"], 1)
            text = server.ion("plugin", "info", "test-intercept").stdout.decode()
            self.assertRegex(text, r"(?m)^BREAKER +off$")
            self.assertRegex(text, r"(?m)^budget +1s +configured$")
            storage = self.info(server, "storage-mmap")
            self.assertIsNone(storage["interceptor"])
            self.assertIn("config.refuse_produce_at", [s["key"] for s in storage["config"]])

    def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(self):
        with Folder() as folder, started(folder) as server:
            done = server.ion("plugin", "info", "storage-mmap", "none", check=False)
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr.decode(), r"^ion: plugin info none: NOT_FOUND PLUGIN_NOT_FOUND: no plugin is named none; there are .*test-intercept")
            self.assertIn(b"storage-mmap", done.stdout)

    def test_an_open_breaker_is_shown(self):
        with Folder() as folder, started(folder, "breaker.failure_percent=50", "breaker.calls_min=2", "breaker.pause=10m") as server:
            server.ion("topic", "create", "t")
            self.assertEqual(self.info(server)["interceptor"]["breaker"], "closed")
            for _ in range(3):
                server.ion("produce", "t", stdin=b"throw\n", check=False)
            did = self.info(server)["interceptor"]
            self.assertEqual(did["breaker"], "open")
            self.assertAlmostEqual(did["breaker_until_ms"] - did["breaker_since_ms"], 600_000, delta=5)
            cluster = json.loads(server.ion("--format", "json", "cluster", "info").stdout)
            self.assertEqual(cluster["writes"], "refused")
            self.assertEqual([p["part"] for p in cluster["problems"]], ["interceptor test-intercept"])
            self.assertIn("its breaker is open", cluster["problems"][0]["words"])


class Kept(unittest.TestCase):
    def test_a_batch_that_an_interceptor_keeps_fails_at_its_deadline(self):
        with Folder() as folder, started(folder, "pending_deadline=200ms") as server:
            client = wire.Client(server.address)
            client.admin("CreateTopic", name="t", partitions=1)
            with self.assertRaises(grpc.RpcError) as caught:
                client.broker("Produce", topic="t", partition=0, records=wire.batch([b"keep"]))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertIn("interceptor test-intercept kept the batch", caught.exception.details())
            client.broker("Produce", topic="t", partition=0, records=wire.batch([b"a"]))
            client.close()

    def test_a_stop_does_not_wait_for_what_an_interceptor_keeps(self):
        with Folder() as folder, started(folder, "pending_deadline=10m") as server:
            client = wire.Client(server.address)
            client.admin("CreateTopic", name="t", partitions=1)
            codes = []

            def keep():
                try:
                    client.broker("Produce", topic="t", partition=0, records=wire.batch([b"keep"]))
                except grpc.RpcError as e:
                    codes.append(e.code())

            kept = threading.Thread(target=keep)
            kept.start()
            deadline = time.monotonic() + 60
            while "keeps a batch" not in server.log_text() and time.monotonic() < deadline:
                time.sleep(0.01)
            began = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - began, 10)
            kept.join(10)
            self.assertEqual(len(codes), 1)
            client.close()


if __name__ == "__main__":
    unittest.main()
