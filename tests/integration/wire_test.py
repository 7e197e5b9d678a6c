"""The wire as a foreign client sees it: gRPC from Python with messages compiled from proto/, health, reflection, raw batches good and
bad, plain messages, and the idempotent producer across a kill -9 whose ack was lost."""
import json
import os
import signal
import struct
import subprocess
import time
import unittest
import uuid

import grpc

from broker import ION, Broker, Folder
from wire_client import batch, Client, detail_of, field, framed, message, NOW, record, varint, WithBroker

from google.protobuf import descriptor_pb2  # noqa: E402  # behind grpc


class Wire(WithBroker):
    def topic(self, partitions=1):
        name = self.id().split(".")[-1]
        self.client.admin("CreateTopic", name=name, partitions=partitions)
        return name

    def refused(self, code, reason, verb, **fields):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.broker(verb, **fields)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        detail = detail_of(caught.exception)
        self.assertEqual(detail.reason, reason, detail)
        self.assertTrue(detail.detail)
        return detail

    def test_a_foreign_batch_goes_in_and_comes_out_verbatim(self):
        topic = self.topic()
        sent = batch([b"a", b"b"])
        ack = self.client.broker("Produce", topic=topic, partition=0, records=sent).acks[0]
        self.assertEqual((ack.base_offset, ack.next_offset), (0, 2))
        self.client.broker("Produce", topic=topic, partition=0, records=sent)
        got = self.client.broker("Fetch", topic=topic, partition=0, offset=0)
        self.assertEqual((got.base_offset, got.next_offset, got.high_watermark), (0, 4, 4))
        first, second = got.records[:len(sent)], got.records[len(sent):]
        self.assertEqual(first[16:], sent[16:])
        self.assertEqual(second[16:], sent[16:])
        self.assertEqual(struct.unpack(">q", second[:8])[0], 2)

    def test_bad_batches_are_refused_and_leave_nothing(self):
        topic = self.topic()
        good = batch([b"a", b"b"])
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        for bad in (batch([b"a"], magic=1), batch([b"a"], flip=65), batch([b"a"], flip=17), good[:-1], good[:60], good[:10], good + b"x", b"\xff" * 100):
            self.refused(invalid, "CORRUPT_BATCH", "Produce", topic=topic, partition=0, records=bad)
        self.refused(invalid, "RECORD_TOO_LARGE", "Produce", topic=topic, partition=0, records=batch([b"x" * (2 << 20)]))
        self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=0).high_watermark, 0)
        self.client.broker("Produce", topic=topic, partition=0, records=good)

    def test_records_that_no_reader_could_read_are_refused_and_named(self):
        topic = self.topic()
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        bad = {"record 1 of 3": framed(record(b"only") + bytes(14), 3),
               "length is 500": framed(varint(500) + b"z" * 30, 1),
               "header count is -3": framed(varint(8) + b"\0\0\0" + field(None) + field(b"v") + varint(-3) + b"\0", 1),
               "key of its header 0 is not UTF-8": framed(record(b"v", headers=[(b"\xff", b"")]), 1),
               "want 1": framed(record(b"a") + record(b"b"), 2),
               "behind the last of its 1 records": framed(record(b"v") + b"junk" * 8, 1)}
        for words, data in bad.items():
            with self.subTest(words):
                self.assertIn(words, self.refused(invalid, "CORRUPT_BATCH", "Produce", topic=topic, partition=0, records=data).detail)
        self.refused(invalid, "CORRUPT_BATCH", "Produce", topic=topic, partition=0, records=framed(b"junk" * 9, 1, attributes=1))
        self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=0).high_watermark, 0)

    def test_times_that_no_clock_shows_are_refused_as_times_and_none_is_taken(self):
        topic = self.topic()
        for time in (-5, NOW * 1_000_000):
            self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TIMESTAMP", "Produce", topic=topic, partition=0, records=framed(record(b"x"), 1, times=(time, time)))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TIMESTAMP", "Produce", topic=topic, partition=0,
                     records=framed(record(b"x", time_delta=-10), 1, times=(5, 5)))
        mixed = b"".join(record(b"x", i, time_delta=d) for i, d in enumerate((0, -5000, 7000)))
        for data in (framed(record(b"x"), 1, times=(-1, -1)), framed(mixed, 3, times=(NOW, NOW + 7000))):
            self.client.broker("Produce", topic=topic, partition=0, records=data)
        times = [m.timestamp_ms - NOW for m in self.client.broker("Fetch", topic=topic, partition=0, offset=0, delivery=2).messages]
        self.assertEqual(times, [-1 - NOW, 0, -5000, 7000])

    def test_null_stays_null_and_empty_stays_empty_in_every_form(self):
        topic = self.topic()
        headers = [("absent", None), ("empty", b""), ("empty", b"2")]
        plain = [dict(key=k) if v is None else dict(key=k, value=v) for k, v in headers]
        self.client.broker("Produce", topic=topic, partition=0, messages=[dict(value=b"v", headers=plain), dict(key=b"", value=b""), dict(key=b"k")])
        self.client.broker("Produce", topic=topic, partition=0, records=framed(record(b"v", headers=[(k.encode(), v) for k, v in headers]), 1))
        got = self.client.broker("Fetch", topic=topic, partition=0, offset=0, delivery=2).messages
        shown = [json.loads(line) for line in self.server.ion("consume", topic, "-o", "start", "-e").stdout.splitlines()]
        for i in (0, 3):
            self.assertEqual([(h.key, h.value if h.HasField("value") else None) for h in got[i].headers], headers)
            self.assertEqual([(h["key"], h["value"]) for h in shown[i]["headers"]], [("absent", None), ("empty", ""), ("empty", "2")])
        self.assertEqual([(m.key if m.HasField("key") else None, m.value if m.HasField("value") else None) for m in got[1:3]], [(b"", b""), (b"k", None)])
        self.assertEqual([(m["key"], m["value"]) for m in shown[1:3]], [("", ""), ("k", None)])

    def test_errors_are_typed(self):
        topic = self.topic()
        missing = grpc.StatusCode.NOT_FOUND
        self.refused(missing, "TOPIC_NOT_FOUND", "Produce", topic="nowhere", partition=0, records=batch([b"a"]))
        self.refused(missing, "PARTITION_NOT_FOUND", "Produce", topic=topic, partition=9, records=batch([b"a"]))
        self.refused(grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE", "Fetch", topic=topic, partition=0, offset=5)
        detail = self.refused(grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_SEQUENCE", "Produce", topic=topic, partition=0,
                              records=batch([b"a"], producer=10 ** 9, epoch=0, sequence=5))
        self.assertFalse(detail.retriable)

    def test_a_request_may_name_the_topic_that_is_meant(self):
        topic = self.topic()
        def known():
            return uuid.UUID(self.client.broker("Metadata", topics=[topic]).topics[0].uuid).bytes
        old = known()
        self.client.broker("Produce", topic=topic, topic_id=old, partition=0, records=batch([b"old"]))
        self.client.admin("DeleteTopic", name=topic)
        self.client.admin("CreateTopic", name=topic, partitions=1)
        self.assertNotEqual(known(), old)
        conflict = grpc.StatusCode.ABORTED
        detail = self.refused(conflict, "TOPIC_RECREATED", "Produce", topic=topic, topic_id=old, partition=0, records=batch([b"x"]))
        for named in (old, known()):
            self.assertIn(str(uuid.UUID(bytes=named)), detail.detail)
        self.refused(conflict, "TOPIC_RECREATED", "Fetch", topic=topic, topic_id=old, partition=0, offset=0)
        request = message("ionstream.v1.SubscribeRequest")(parts=[dict(topic=topic, partition=0, offset=0, topic_id=old)])
        stream = self.client.channel.unary_stream("/ionstream.v1.Broker/Subscribe", request_serializer=lambda m: m.SerializeToString(),
                                                  response_deserializer=message("ionstream.v1.FetchResponse").FromString)(request, timeout=60)
        reasons = []
        with self.assertRaises(grpc.RpcError):
            for frame in stream:
                reasons.append(frame.error.reason)
        self.assertIn("TOPIC_RECREATED", reasons)
        self.client.broker("Produce", topic=topic, topic_id=known(), partition=0, records=batch([b"new"]))
        self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=0, delivery=2).messages[0].value, b"new", "no id means any")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TOPIC_ID", "Produce", topic=topic, topic_id=b"short", partition=0, records=batch([b"x"]))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TOPIC_ID", "Fetch", topic=topic, topic_id=b"short", partition=0, offset=0)

    def test_metadata_and_cluster_info_say_what_the_broker_takes(self):
        for limits in (self.client.broker("Metadata").limits, self.client.admin("ClusterInfo").limits):
            self.assertEqual((limits.record_bytes_max, limits.batch_bytes_max, limits.message_bytes_max), (1 << 20, 16 << 20, 16 << 20))

    def test_plain_messages_are_batched_by_the_broker(self):
        topic = self.topic(4)
        messages = [dict(key=b"k%d" % (i % 5), value=b"v%d" % i, headers=[dict(key="h", value=b"x")]) for i in range(50)]
        acks = self.client.broker("Produce", topic=topic, messages=messages).acks
        self.assertEqual(sum(a.next_offset - a.base_offset for a in acks), 50)
        seen = []
        for partition in range(4):
            got = self.client.broker("Fetch", topic=topic, partition=partition, offset=0, delivery=2)
            seen += [(m.key, m.value, m.headers[0].key, m.id) for m in got.messages]
        self.assertEqual(sorted(v for _, v, _, _ in seen), sorted(b"v%d" % i for i in range(50)))
        self.assertEqual(len({i for *_, i in seen}), 50)

    def test_subscribe_streams_and_credit_stops_it(self):
        topic = self.topic()
        for i in range(20):
            self.client.broker("Produce", topic=topic, partition=0, records=batch([b"%04d" % i + b"x" * 1000]))
        request = message("ionstream.v1.SubscribeRequest")(parts=[dict(topic=topic, partition=0, offset=0)], credit_bytes=3000, bytes_max=1000)
        stream = self.client.channel.unary_stream("/ionstream.v1.Broker/Subscribe", request_serializer=lambda m: m.SerializeToString(),
                                                  response_deserializer=message("ionstream.v1.FetchResponse").FromString)(request, timeout=60)
        session, offsets = "", []
        for frame in stream:
            session = session or frame.session
            if frame.records:
                offsets.append(frame.base_offset)
                self.client.broker("Credit", session=session, bytes=len(frame.records))
            if frame.next_offset == 20:
                break
        stream.cancel()
        self.assertTrue(session)
        self.assertEqual(offsets, list(range(20)))

    def test_a_stream_of_batches_is_acknowledged_in_order(self):
        topic = self.topic()
        request = message("ionstream.v1.ProduceRequest")
        requests = [request(topic=topic, partition=0, correlation=i, records=batch([b"%d" % i])) for i in range(200)]
        stream = self.client.channel.stream_stream("/ionstream.v1.Broker/ProduceStream", request_serializer=lambda m: m.SerializeToString(),
                                                   response_deserializer=message("ionstream.v1.ProduceResponse").FromString)(iter(requests), timeout=60)
        acks = [a for response in stream for a in response.acks]
        self.assertEqual([(a.correlation, a.base_offset) for a in acks], [(i, i) for i in range(200)])

    def test_an_offset_in_the_middle_of_a_batch_is_where_messages_begin_and_batches_say_where_they_do(self):
        topic = self.topic()
        for tens in range(3):
            self.client.broker("Produce", topic=topic, partition=0, records=batch([b"%d" % (10 * tens + one) for one in range(10)]))
        for offset in (0, 1, 9, 10, 15, 29):
            got = self.client.broker("Fetch", topic=topic, partition=0, offset=offset, delivery=2)
            self.assertEqual([(m.offset, m.value) for m in got.messages], [(o, b"%d" % o) for o in range(offset, 30)])
            self.assertEqual(got.next_offset, 30)
            got = self.client.broker("Fetch", topic=topic, partition=0, offset=offset)
            self.assertEqual((got.base_offset, got.next_offset), (offset - offset % 10, 30))
            lines = self.server.ion("consume", topic, "-o", offset, "-e", "-f", "%o=%v\n").stdout.decode().split()
            self.assertEqual(lines, [f"{o}={o}" for o in range(offset, 30)])
        self.assertEqual(self.server.ion("consume", topic, "-o", "8:21", "-f", "%v\n").stdout.decode().split(), [str(o) for o in range(8, 21)])
        for outside in (31, -1):
            self.refused(grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE", "Fetch", topic=topic, partition=0, offset=outside)
        self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=30).records, b"")

    def test_health_is_understood(self):
        answer = self.client.call("/grpc.health.v1.Health/Check", message("grpc.health.v1.HealthCheckRequest")(), "grpc.health.v1.HealthCheckResponse")
        self.assertEqual(answer.status, 1)

    def test_reflection_lists_services_and_gives_their_files(self):
        request = message("grpc.reflection.v1alpha.ServerReflectionRequest")
        asks = [request(list_services=""), request(file_containing_symbol="ionstream.v1.Broker"), request(file_by_filename="ionstream/v1/fetch.proto")]
        stream = self.client.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                                   request_serializer=lambda m: m.SerializeToString(),
                                                   response_deserializer=message("grpc.reflection.v1alpha.ServerReflectionResponse").FromString)(iter(asks), timeout=20)
        services, symbol, by_name = list(stream)
        names = {s.name for s in services.list_services_response.service}
        self.assertLessEqual({"ionstream.v1.Broker", "ionstream.v1.Admin", "grpc.health.v1.Health"}, names)
        files = {descriptor_pb2.FileDescriptorProto.FromString(f).name for f in symbol.file_descriptor_response.file_descriptor_proto}
        self.assertIn("ionstream/v1/broker.proto", files)
        self.assertTrue(by_name.file_descriptor_response.file_descriptor_proto)

    def test_an_unknown_method_is_unimplemented(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.call("/ionstream.v1.Broker/NoSuch", message("ionstream.v1.MetadataRequest")(), "ionstream.v1.MetadataResponse")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class LostAck(unittest.TestCase):
    def test_the_same_batch_after_a_kill_gets_its_original_offset(self):
        with Folder() as folder, Broker(folder / "data") as server:
            client = Client(server.address)
            client.admin("CreateTopic", name="t", partitions=1)
            identity = client.broker("InitProducer")
            first = batch([b"a", b"b"], identity.producer_id, identity.producer_epoch, 0)
            second = batch([b"c"], identity.producer_id, identity.producer_epoch, 2)
            client.broker("Produce", topic="t", partition=0, records=first)
            ack = client.broker("Produce", topic="t", partition=0, records=second).acks[0]
            client.close()
            server.kill()  # the acks are lost with the connection, as far as this producer knows
            server.start()
            client = Client(server.address)
            again = client.broker("Produce", topic="t", partition=0, records=second).acks[0]
            self.assertTrue(again.duplicate)
            self.assertEqual(again.base_offset, ack.base_offset)
            third = client.broker("Produce", topic="t", partition=0, records=batch([b"d"], identity.producer_id, identity.producer_epoch, 3)).acks[0]
            self.assertEqual(third.base_offset, 3)
            other = client.broker("InitProducer")
            self.assertNotEqual(other.producer_id, identity.producer_id)
            client.close()


class Stop(unittest.TestCase):
    def test_a_stop_does_not_wait_for_a_reader_that_is_frozen(self):
        with Folder() as folder, Broker(folder / "data") as server:
            client = Client(server.address)
            client.admin("CreateTopic", name="t", partitions=1)
            for _ in range(40):
                client.broker("Produce", topic="t", partition=0, records=batch([b"x" * (512 << 10)]))
            client.close()
            reader = subprocess.Popen([str(ION), "--brokers", server.address, "consume", "t", "-o", "start", "-f", "%v\n"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
            try:
                self.assertEqual(reader.stdout.read(1), b"x")  # it has begun, and nobody takes the rest from it
                os.kill(reader.pid, signal.SIGSTOP)
                begun = time.monotonic()
                self.assertEqual(server.stop(), 0, server.log_text())
                self.assertLess(time.monotonic() - begun, 8, server.log_text())
            finally:
                reader.kill()
                reader.wait()
                reader.stdout.close()


if __name__ == "__main__":
    unittest.main()
