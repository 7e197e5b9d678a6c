"""Batches that other implementations of Kafka's format packed: taken, stored as they came, and read by every kind of reader."""
import unittest

from foreign_batches import RECORDS, from_json, golden
from wire_client import WithBroker


class ForeignBatches(WithBroker):
    def test_what_two_other_implementations_packed_is_stored_as_it_came_and_read_whole(self):
        seen = set()
        for who, codec, batch in golden():
            with self.subTest(who=who, codec=codec):
                topic = f"{who}-{codec}"
                seen.add((who.rsplit("-", 1)[0], codec))
                self.server.ion("topic", "create", topic)
                self.client.broker("Produce", topic=topic, partition=0, records=batch)
                self.assertEqual(self.client.broker("Fetch", topic=topic, partition=0, offset=0).records[16:], batch[16:])
                self.assertEqual(from_json(self.server.ion("consume", topic, "-e").stdout), RECORDS)
                opened = self.client.broker("Fetch", topic=topic, partition=0, offset=0, delivery=2).messages
                self.assertEqual([m.value.decode() for m in opened], [v or "" for _, _, v, _ in RECORDS])
                shown = self.server.ion("consume", topic, "-n", "1", "-f", "%a{compression}").stdout.decode()
                self.assertEqual(shown, codec)
        self.assertEqual(seen, {(who, codec) for who in ("kafka-clients", "kafka-python") for codec in ("gzip", "snappy", "lz4", "zstd")})


if __name__ == "__main__":
    unittest.main()
