"""Compressed batches: every codec from `ion produce` to every kind of reader, what foreign clients pack, and what is refused before it
is acknowledged."""
import gzip
import json
import unittest

import grpc

from wire_client import Client, framed, record, WithBroker

CODECS = ["gzip", "snappy", "lz4", "zstd"]
LINES = [f"order {n} of customer {n * 7919 % 1000}" for n in range(20_000)]


def packed(values, pack, attributes=1):
    return framed(pack(b"".join(record(value, i) for i, value in enumerate(values))), len(values), attributes=attributes)


class Compression(WithBroker):
    settings = ("--set", "limits.decompressed_bytes_max=16MiB")

    def topic(self, name):
        self.server.ion("topic", "create", name, "-p", "1")
        return name

    def lines_of(self, topic):
        return self.server.ion("consume", topic, "-o", "start", "-e", "-f", "%v\\n").stdout.decode().splitlines()

    def bytes_of(self, topic):
        described = json.loads(self.server.ion("topic", "describe", topic, "--format", "json").stdout)
        return described[0]["partition_rows"][0]["bytes"]

    def refused(self, reason, topic, records):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.broker("Produce", topic=topic, partition=0, records=records)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=0).high_watermark, 0)
        return caught.exception.details()

    def test_every_codec_gives_back_what_was_sent_also_after_a_kill(self):
        plain = self.topic("plain")
        self.server.ion("produce", plain, "-z", "none", stdin="\n".join(LINES).encode())
        for codec in CODECS:
            topic = self.topic(codec)
            self.server.ion("produce", topic, "-z", codec, stdin="\n".join(LINES).encode())
            self.assertEqual(self.lines_of(topic), LINES, codec)
            self.assertLess(self.bytes_of(topic), self.bytes_of(plain) / 2, codec)
            shown = self.server.ion("consume", topic, "-o", "15000", "-n", "1", "-f", "%a{compression}").stdout.decode()
            self.assertEqual(shown, codec)
        self.server.kill()
        self.server.start()
        type(self).client.close()
        type(self).client = Client(self.server.address)  # the others would first hear of the lost connection
        for codec in CODECS:
            self.assertEqual(self.lines_of(codec), LINES, codec)

    def test_a_reader_of_messages_and_of_single_ids_sees_plain_records(self):
        topic = self.topic("messages")
        self.server.ion("produce", topic, "-z", "zstd:9", stdin="\n".join(LINES[:500]).encode())
        got = self.client.broker("Fetch", topic=topic, partition=0, offset=250, delivery=2).messages
        self.assertEqual([m.value.decode() for m in got[:3]], LINES[250:253])
        self.assertEqual(self.server.ion("get", got[0].id, "-f", "%v").stdout.decode(), LINES[250])

    def test_what_a_foreign_client_packed_is_stored_as_it_came(self):
        topic = self.topic("foreign")
        sent = packed([b"one", b"two"], gzip.compress)
        self.client.broker("Produce", topic=topic, partition=0, records=sent)
        got = self.client.broker("Fetch", topic=topic, partition=0, offset=0)
        self.assertEqual(got.records[16:], sent[16:])
        self.assertEqual(self.lines_of(topic), ["one", "two"])

    def test_what_cannot_be_opened_by_every_reader_is_refused_before_it_is_stored(self):
        topic = self.topic("bad")
        two_members = lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])  # noqa: E731
        cases = {"gzip": packed([b"a"], lambda data: gzip.compress(data)[:-1]),
                 "behind the end": packed([b"a", b"b"], two_members),
                 "lz4": packed([b"a"], gzip.compress, attributes=3),
                 "zstd": packed([b"a"], gzip.compress, attributes=4),
                 "record 1 of 2": framed(gzip.compress(record(b"a") + record(b"b")), 2, attributes=1),
                 "unknown attributes": packed([b"a"], gzip.compress, attributes=5)}
        for words, records in cases.items():
            with self.subTest(words):
                self.assertIn(words, self.refused("CORRUPT_BATCH", topic, records))

    def test_a_small_batch_that_is_large_when_opened_is_refused_with_the_limit(self):
        topic = self.topic("bomb")
        records = packed([b"\0" * (17 << 20)], gzip.compress)
        self.assertLess(len(records), 100_000)
        self.assertIn(str(16 << 20), self.refused("RECORD_TOO_LARGE", topic, records))

    def test_levels_and_names_are_checked(self):
        for option, words in (("brotli", "want none, gzip, snappy, lz4 or zstd"), ("zstd:99", "-7 to 22"), ("snappy:1", "no levels"), ("gzip:", "level behind the colon")):
            done = self.server.ion("produce", "nowhere", "-z", option, stdin=b"x\n", check=False)
            self.assertEqual(done.returncode, 2, option)
            self.assertIn(words, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
