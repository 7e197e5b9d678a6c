"""A partition that the disk has damaged: what an operator is told, what accepting the loss makes of it, and that no moment is a bad one to be killed."""
import json
import subprocess
import unittest

from broker import ION, Broker, Folder

ROWS = 8


def hurt(data, numbers):
    """Flips one bit of the records with these numbers."""
    for i in numbers:
        hit = next(p for p in sorted(data.rglob("p+*/*.log")) if b"row-%d" % i in p.read_bytes())
        changed = bytearray(hit.read_bytes())
        changed[changed.index(b"row-%d" % i)] ^= 1
        hit.write_bytes(changed)


def fill(broker, bytes_each=20_000):
    """Eight records, each a batch of its own, in several segments; the last of them lie in the active one."""
    broker.ion("topic", "create", "t", "-c", "segment.bytes=64KiB")
    for i in range(ROWS):
        broker.ion("produce", "t", "-z", "none", stdin=b"row-%d" % i + b"." * bytes_each + b"\n")


def repair(broker, *more, check=True):
    done = broker.ion("--format", "json", "topic", "repair", "t", "-p", "0", *more, check=check)
    return json.loads(done.stdout)[0] if check else done


def offsets(broker):
    return [int(o) for o in broker.ion("consume", "t", "-e", "-f", "%o\n").stdout.split()]


def partition_of(broker):
    return json.loads(broker.ion("--format", "json", "topic", "describe", "t").stdout)[0]["partition_rows"][0]


class Repair(unittest.TestCase):
    def run_with(self, numbers, end):
        """Records in sealed segments and in the active one are hurt: the rest is kept, in the same places."""
        left = [i for i in range(ROWS) if i not in numbers]
        with Folder() as folder, Broker(folder / "data") as broker:
            fill(broker)
            end(broker)
            hurt(folder / "data", numbers)
            broker.start()
            told = repair(broker)
            self.assertEqual((told["state"], [(p["from"], p["upto"]) for p in told["lost_rows"]]), ("damaged", [(i, i + 1) for i in numbers]))
            self.assertEqual((told["lost_records_max"], told["lost_records_exact"], told["records_left"]), (len(numbers), "yes", len(left)))
            self.assertGreater(told["lost_bytes"] + 20_000, 20_000 * len(numbers), "but for what lay at the very end")
            self.assertEqual(partition_of(broker)["health"], "CORRUPT", "a dry run changes nothing")
            refused = broker.ion("produce", "t", "--delivery-timeout", "2s", stdin=b"x\n", check=False)
            self.assertIn("`ion topic repair t -p 0` says what is lost", refused.stderr.decode())
            self.assertEqual(repair(broker, "--accept-loss", "-y")["state"], "repaired")
            partition = partition_of(broker)
            self.assertEqual((partition["health"], partition["damaged"], partition["high_watermark"], partition["log_start"]), ("OK", None, ROWS, 0))
            self.assertEqual(offsets(broker), left)
            for i in numbers:  # a reader that stood in the hole
                behind = [b"%d" % o for o in left if o > i]
                self.assertEqual(broker.ion("consume", "t", "-o", str(i), "-e", "-f", "%o\n").stdout.split(), behind)
            broker.ion("produce", "t", stdin=b"more\n")
            broker.kill()
            broker.start()
            self.assertEqual(offsets(broker), left + [ROWS])
            whole = repair(broker)
            self.assertEqual((whole["state"], whole["lost_records_max"], whole["lost_records_exact"]), ("whole", 0, "yes"))
            self.assertEqual(broker.stop(), 0)
            broker.start()
            self.assertEqual(offsets(broker), left + [ROWS])
            self.assertEqual(broker.stop(), 0)

    def test_damage_in_sealed_segments_and_in_the_last_one_of_a_stopped_broker(self):
        self.run_with([1, 4, 7], lambda broker: self.assertEqual(broker.stop(), 0))

    def test_damage_in_the_active_segment_of_a_killed_broker(self):
        self.run_with([6], lambda broker: broker.kill())

    def test_a_broker_that_is_killed_during_a_repair_goes_on_with_the_next_one(self):
        numbers = [0, 2, 4, 6]
        left = [i for i in range(ROWS) if i not in numbers]
        with Folder() as folder, Broker(folder / "data") as broker:
            fill(broker, 60_000)
            self.assertEqual(broker.stop(), 0)
            hurt(folder / "data", numbers)
            for _ in range(3):  # wherever the kill meets it: after it has begun to write, or has ended
                broker.start()
                command = [str(ION), "--brokers", broker.address, "topic", "repair", "t", "-p", "0", "--accept-loss", "-y"]
                asked = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while asked.poll() is None and not list((folder / "data").rglob("replacement.*")):
                    pass
                broker.kill()
                asked.kill()
                asked.wait()
            broker.start()
            repair(broker, "--accept-loss", "-y")
            self.assertEqual(offsets(broker), left)
            broker.ion("produce", "t", stdin=b"more\n")
            self.assertEqual(offsets(broker), left + [ROWS])
            self.assertEqual(broker.stop(), 0)

    def test_a_loss_is_accepted_by_who_says_so_and_a_whole_partition_has_none(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            fill(broker)
            self.assertEqual(repair(broker)["state"], "whole")
            self.assertEqual(repair(broker, "--accept-loss", "-y")["state"], "whole")
            unsure = repair(broker, "--accept-loss", check=False)
            self.assertEqual((unsure.returncode, unsure.stdout), (2, b""))
            self.assertIn(b"-y confirms", unsure.stderr)
            for wrong, code in ((("t",), 2), (("t", "-p", "7"), 1), (("nothing", "-p", "0"), 1)):
                self.assertEqual(broker.ion("topic", "repair", *wrong, check=False).returncode, code, wrong)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
