"""The main job, with the real process: create, produce, consume, byte for byte; the same on every storage by one config line."""
import json
import random
import unittest

from broker import Broker, Folder, SOURCE


def lines(n, seed=7):
    """Text as users have it: empty lines, long lines, bytes that are not UTF-8, no newline inside."""
    print(f"seed {seed}")
    draw = random.Random(seed)
    rows = []
    for i in range(n):
        size = draw.choice([0, 1, 20, 80, 300, 5000])
        rows.append(bytes(draw.choice(range(256)) for _ in range(size)).replace(b"\n", b"N"))
    return rows


STORAGES = {"storage-mmap": [], "storage-memory": ["--set", "plugins.storage-mmap.path=storage-memory"]}


class RoundTrip(unittest.TestCase):
    def test_what_goes_in_comes_out_on_every_storage(self):
        rows = lines(3000)
        for storage, extra in STORAGES.items():
            with self.subTest(storage=storage), Folder() as folder, Broker(folder / "data", *extra) as broker:
                broker.ion("topic", "create", "t", "-p", "1")
                data = b"\n".join(rows) + b"\n"
                acks = broker.ion("produce", "t", "-o", "%o\n", stdin=data).stdout.split()
                self.assertEqual([int(a) for a in acks], list(range(len(rows))))
                back = broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout
                self.assertEqual(back, data)
                self.assertEqual(broker.stop(), 0)

    def test_a_real_file_survives_a_restart(self):
        data = (SOURCE / "CONTRIBUTING.md").read_bytes()
        with Folder() as folder:
            with Broker(folder / "data") as broker:
                broker.ion("topic", "create", "t", "-p", "1")
                broker.ion("produce", "t", stdin=data)
                self.assertEqual(broker.stop(), 0)
                broker.start()
                self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout, data)

    def test_keyed_records_keep_to_their_partition_and_order(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "4")
            data = b"".join(b"k%d\tv%d\n" % (i % 7, i) for i in range(700))
            broker.ion("produce", "t", "-f", "%k\t%v\n", stdin=data)
            seen = {}
            for row in broker.ion("consume", "t", "-o", "start", "-e", "-f", "%p %k %v\n").stdout.splitlines():
                partition, key, value = row.split()
                seen.setdefault(key, []).append((partition, int(value[1:])))
            self.assertEqual(len(seen), 7)
            for key, got in seen.items():
                self.assertEqual(len({p for p, _ in got}), 1, key)
                self.assertEqual([v for _, v in got], sorted(v for _, v in got), key)
                self.assertEqual(len(got), 100, key)

    def test_offsets_counts_and_formats_of_consume(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "1")
            broker.ion("produce", "t", "-k", "key", stdin=b"".join(b"v%d\n" % i for i in range(100)))
            self.assertEqual(broker.ion("consume", "t", "-o", "97", "-e", "-f", "%t %p %o %k %v\\t%%\n").stdout,
                             b"t 0 97 key v97\t%\nt 0 98 key v98\t%\nt 0 99 key v99\t%\n")
            self.assertEqual(broker.ion("consume", "t", "-o", "start", "-n", "2", "-f", "%v ").stdout, b"v0 v1 ")
            self.assertEqual(broker.ion("consume", "t", "-o", "-1", "-e", "-f", "%v\n").stdout, b"v99\n")
            ids = broker.ion("consume", "t", "-o", "start", "-e", "-f", "%u\n").stdout.split()
            self.assertEqual(len(set(ids)), 100)
            self.assertTrue(all(len(i) == 36 and i[14:15] == b"7" for i in ids), ids[0])
            record = json.loads(broker.ion("consume", "t", "-o", "5", "-n", "1").stdout)
            self.assertEqual((record["topic"], record["offset"], record["key"], record["value"]), ("t", 5, "key", "v5"))

    def test_topics_are_made_listed_described_and_deleted(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "a", "-p", "3", "-c", "durability=os", "-c", "segment.bytes=1MiB")
            broker.ion("topic", "create", "b")
            listed = json.loads(broker.ion("--format", "json", "topic", "list").stdout)
            self.assertIn("a", json.dumps(listed))
            described = json.dumps(json.loads(broker.ion("--format", "json", "topic", "describe", "a").stdout))
            self.assertIn('"os"', described)
            broker.ion("topic", "delete", "a", "-y")
            self.assertNotIn('"a"', json.dumps(json.loads(broker.ion("--format", "json", "topic", "list").stdout)))
            broker.ion("topic", "create", "a", "-p", "1")
            self.assertEqual(broker.ion("consume", "a", "-o", "start", "-e", "-f", "%v\n").stdout, b"")
            info = json.loads(broker.ion("--format", "json", "cluster", "info").stdout)
            self.assertIn("ionstream", json.dumps(info))
            plugins = broker.ion("plugin", "list").stdout
            for name in (b"storage-mmap", b"transport-grpc", b"consensus-single", b"partition-router"):
                self.assertIn(name, plugins)

    def test_a_waiting_reader_gets_the_next_record(self):
        import subprocess
        from broker import ION
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "1")
            reader = subprocess.Popen([str(ION), "--brokers", broker.address, "consume", "t", "-o", "start", "-n", "1", "-f", "%v\n"],
                                      stdout=subprocess.PIPE)
            broker.ion("produce", "t", stdin=b"news\n")
            out, _ = reader.communicate(timeout=60)
            self.assertEqual((out, reader.returncode), (b"news\n", 0))

    def test_an_interceptor_named_in_the_configuration_is_obeyed(self):
        from broker import BUILD
        places = f'plugin_host.directories=["{BUILD}/plugins", "{BUILD}/tests/plugins"]'
        with Folder() as folder, Broker(folder / "data", "--set", places, "--set", "plugins.template-interceptor.enabled=true",
                                        "--set", "plugins.template-interceptor.config.bytes_max=10") as broker:
            broker.ion("topic", "create", "t", "-p", "1")
            broker.ion("produce", "t", stdin=b"short\n")
            done = broker.ion("produce", "t", "--delivery-timeout", "5s", stdin=b"much too long\n", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"template-interceptor", done.stderr)
            self.assertIn(b"REJECTED", done.stderr)
            self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout, b"short\n")
            self.assertIn(b"demo.template-interceptor", broker.ion("plugin", "list").stdout)


if __name__ == "__main__":
    unittest.main()
