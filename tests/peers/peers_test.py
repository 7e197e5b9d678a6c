"""Batches go both ways between this broker and two other implementations of Kafka's format, each codec. Run by `scripts/nightly peers`, which
installs them and sets PEERS_JAVA (class path) and PEERS_PYTHON (an interpreter).
   peers_test.py --write-golden      writes tests/peers/golden_batches.txt anew"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from following import until
from foreign_batches import GOLDEN, RECORDS, START, as_json, as_lines, from_json, from_lines
from wire_client import WithBroker

HERE = pathlib.Path(__file__).parent
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PEERS = {"kafka-clients-4.4.0": ["java", "-cp", os.environ["PEERS_JAVA"], str(HERE / "KafkaClientsBatches.java")],
         "kafka-python-3.0.12": [os.environ["PEERS_PYTHON"], str(HERE / "kafka_python_batches.py")]}


def run(peer, *args, **more):
    done = subprocess.run([*PEERS[peer], *map(str, args)], capture_output=True, text=True, timeout=120, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{peer} {args[0]}: {done.stderr}")
    return done.stdout


def packed(peer, codec):
    with tempfile.TemporaryDirectory(prefix="ion-peers-") as folder:
        path = pathlib.Path(folder) / "batch"
        run(peer, "write", codec, path, input=as_lines(RECORDS))
        return path.read_bytes()


def unpacked(peer, batches):
    with tempfile.TemporaryDirectory(prefix="ion-peers-") as folder:
        path = pathlib.Path(folder) / "batch"
        path.write_bytes(batches)
        return from_lines(run(peer, "read", path))


class Peers(WithBroker):
    def test_what_they_pack_is_taken_and_read_here(self):
        for peer in PEERS:
            for codec in CODECS:
                with self.subTest(peer=peer, codec=codec):
                    topic = f"from-{peer}-{codec}"
                    self.server.ion("topic", "create", topic)
                    self.client.broker("Produce", topic=topic, partition=0, records=packed(peer, codec))
                    self.assertEqual(from_json(self.server.ion("consume", topic, "-e").stdout), RECORDS)

    def test_what_is_packed_here_is_read_by_them(self):
        for codec in CODECS:
            topic = f"from-us-{codec}"
            self.server.ion("topic", "create", topic)
            self.server.ion("produce", topic, "-z", codec, "-f", "json", stdin=as_json(RECORDS))
            stored = self.client.broker("Fetch", topic=topic, partition=0, offset=0).records
            for peer in PEERS:
                with self.subTest(peer=peer, codec=codec):
                    self.assertEqual(unpacked(peer, stored), RECORDS)

    def test_what_was_compacted_here_is_read_by_them(self):
        for codec in CODECS:
            topic = f"compacted-{codec}"
            self.server.ion("topic", "create", topic, "-p", "1", "-c", "cleanup.policy=compact", "-c", "min.cleanable.dirty.ratio=0.01", "-c", "segment.ms=1000")
            rows = [(START + n, f"k{n % 7}", None if n % 7 == 3 and n > 300 else f"value {n}", [("n", str(n))]) for n in range(400)]
            for begin in range(0, 400, 100):
                self.server.ion("produce", topic, "-z", codec, "-f", "json", stdin=as_json(rows[begin:begin + 100]))
            newest = list({key: (time, key, value, headers) for time, key, value, headers in rows}.values())
            wanted = sorted(newest)
            stored = lambda: self.client.broker("Fetch", topic=topic, partition=0, offset=0, bytes_max=1 << 20).records  # noqa: E731
            until("it is compacted", lambda: sorted(from_json(self.server.ion("consume", topic, "-e").stdout)) == wanted)
            for peer in PEERS:
                with self.subTest(peer=peer, codec=codec):
                    self.assertEqual(sorted(unpacked(peer, stored())), wanted)

    def test_they_agree_with_each_other(self):
        for codec in CODECS:
            self.assertEqual(unpacked("kafka-python-3.0.12", packed("kafka-clients-4.4.0", codec)), RECORDS)
            self.assertEqual(unpacked("kafka-clients-4.4.0", packed("kafka-python-3.0.12", codec)), RECORDS)


def write_golden():
    lines = ["# Written by tests/peers/peers_test.py --write-golden: who, codec, one batch of the records in tests/integration/foreign_batches.py."]
    lines += [f"{peer} {codec} {packed(peer, codec).hex()}" for peer in PEERS for codec in CODECS[1:]]
    GOLDEN.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_golden() if sys.argv[1:] == ["--write-golden"] else unittest.main()
