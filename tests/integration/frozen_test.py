"""A broker that stands still longer than a request may take, as in a virtual machine that was suspended, and then goes on."""
import signal
import subprocess
import time
import unittest

from broker import ION, Broker, Folder

WAIT_S = 60
ROWS = 20_000
FREEZE_S = 33  # longer than the client waits for the answer of a request


def until(what, holds):
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Frozen(unittest.TestCase):
    def test_nothing_is_lost_doubled_or_out_of_order_for_a_producer_and_a_reader(self):
        rows = [b"%07d" % i for i in range(ROWS)]
        half = ROWS // 2
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            ion = [str(ION), "--brokers", broker.address]
            acked, seen, said, told = folder / "acked", folder / "seen", folder / "said", folder / "told"
            with open(acked, "wb") as out, open(seen, "wb") as read, open(said, "wb") as err, open(told, "wb") as reader_err:
                reader = subprocess.Popen([*ion, "consume", "t", "-o", "start", "-f", "%v\n"], stdin=subprocess.DEVNULL, stdout=read, stderr=reader_err)
                producer = subprocess.Popen([*ion, "produce", "t", "-o", "%v\n"], stdin=subprocess.PIPE, stdout=out, stderr=err)
            try:
                producer.stdin.write(b"\n".join(rows[:half]) + b"\n")
                producer.stdin.flush()
                until("the first records are acknowledged and read", lambda: acked.stat().st_size > 0 and seen.stat().st_size > 0)  # both have begun: what a start does there is another matter
                broker.process.send_signal(signal.SIGSTOP)
                try:
                    producer.stdin.write(b"\n".join(rows[half:]) + b"\n")
                    producer.stdin.close()
                    time.sleep(FREEZE_S)
                finally:
                    broker.process.send_signal(signal.SIGCONT)
                self.assertEqual(producer.wait(WAIT_S), 0, said.read_bytes())
                self.assertEqual(acked.read_bytes().split(), rows)
                until("the reader has them all", lambda: len(seen.read_bytes().split()) >= ROWS or reader.poll() is not None)
                self.assertIsNone(reader.poll(), told.read_bytes())
            finally:
                for process in (producer, reader):
                    process.kill()
                    process.wait(WAIT_S)
            self.assertEqual(seen.read_bytes().split(), rows)
            self.assertEqual(broker.ion("consume", "t", "-o", "start", "-e", "-f", "%v\n").stdout.split(), rows)
            self.assertEqual(broker.stop(), 0)


if __name__ == "__main__":
    unittest.main()
