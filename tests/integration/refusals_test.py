"""What the command line says, and how soon, when a broker refuses for good, takes nothing for a while, or has not what was asked for."""
import os
import resource
import signal
import subprocess
import time
import unittest

from broker import ION, Broker, Folder

WAIT_S = 60
AT_ONCE_S = 5  # far below the timeouts that the commands are given here, and far above what an answer takes on a busy machine


def timed(broker, *args, **more):
    began = time.monotonic()
    done = broker.ion(*args, check=False, **more)
    return done, time.monotonic() - began, done.stderr.decode()


def fill_disk(broker, bytes_max=32 << 10):
    """No file of this broker may grow beyond that: the kernel answers as for a full disk. Not even the smallest segment fits."""
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (bytes_max, resource.RLIM_INFINITY))


def make_space(broker):
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class FullDisk(unittest.TestCase):
    def test_produce_says_no_space_at_once_and_what_to_do_and_goes_on_when_there_is_space(self):
        rows = (b"y" * 1000 + b"\n") * 100_000
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "3")
            broker.ion("produce", "t", stdin=b"before\n")
            fill_disk(broker)
            done, took, said = timed(broker, "produce", "t", "-z", "none", "--delivery-timeout", "60s", stdin=rows)
            self.assertIn(done.returncode, (1, 3), said)
            self.assertLess(took, 30, said)
            self.assertIn("NO_SPACE", said)
            self.assertIn("make space on the broker's disk", said)
            self.assertNotIn("TIMED_OUT", said)
            self.assertLess(len(said.splitlines()), 14, said)
            # The open segment takes what still fits; then nothing of a run is stored, and that is exit code 1.
            codes = []
            while len(codes) < 50 and codes[-1:] != [1]:
                codes.append(timed(broker, "produce", "t", "-z", "none", "-p", "0", "--delivery-timeout", "60s", stdin=rows[:1_000_000])[0].returncode)
            self.assertEqual(codes[-1], 1, codes)
            make_space(broker)
            broker.ion("produce", "t", stdin=b"after\n")
            values = broker.ion("consume", "t", "-e", "-f", "%v\n").stdout.split()
            self.assertIn(b"before", values)
            self.assertIn(b"after", values)

    def test_a_broker_outlives_the_largest_file_that_it_may_write(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            fill_disk(broker)
            broker.ion("produce", "t", "-z", "none", "-p", "0", stdin=(b"y" * 1000 + b"\n") * 20_000, check=False)
            self.assertIsNone(broker.process.poll(), broker.log_text())


class Deadlines(unittest.TestCase):
    def test_all_records_together_get_one_delivery_timeout(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "3")
            rows = folder / "rows"
            rows.write_bytes((b"y" * 100 + b"\n") * 500_000)
            with open(rows, "rb") as stdin:
                run = subprocess.Popen([str(ION), "--brokers", broker.address, "produce", "t", "-z", "none", "--delivery-timeout", "5s", "-o", "%o\n"], stdin=stdin,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                run.stdout.readline()  # the first ones are delivered
                broker.process.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                _, said = run.communicate(timeout=WAIT_S)
                took = time.monotonic() - began
                broker.process.send_signal(signal.SIGCONT)
            self.assertEqual(run.returncode, 3, said)
            self.assertIn(b"TIMED_OUT", said)
            self.assertLess(took, 8, said)


class NotThere(unittest.TestCase):
    def test_a_topic_or_partition_that_is_not_there_is_an_error_before_anything_is_read(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "3")
            for words, reason in ((["nope"], "TOPIC_NOT_FOUND"), (["t", "-p", "99"], "PARTITION_NOT_FOUND"), (["nope", "-f", "json"], "TOPIC_NOT_FOUND")):
                for stdin in (None, b"", b"x\n"):
                    done, took, said = timed(broker, "produce", *words, stdin=stdin)
                    self.assertEqual(done.returncode, 1, (words, said))
                    self.assertIn(reason, said)
                    self.assertEqual(len(said.splitlines()), 1, said)
                    self.assertLess(took, AT_ONCE_S)
            self.assertIn("partitions 0 to 2, not 99", timed(broker, "produce", "t", "-p", "99")[2])
            rows = folder / "rows"
            rows.write_bytes(b"x\n" * 1000)
            with open(rows, "rb") as stdin:
                subprocess.run([str(ION), "--brokers", broker.address, "produce", "nope"], stdin=stdin, capture_output=True, timeout=WAIT_S)
                self.assertEqual(os.lseek(stdin.fileno(), 0, os.SEEK_CUR), 0)
            self.assertEqual(broker.ion("produce", "t", stdin=b"").returncode, 0)

    def test_messages_count_records_from_one(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t", "-p", "2")
            done, _, said = timed(broker, "produce", "t", "-f", "%p %v\n", stdin=b"0 a\n1 b\n7 c\n0 d\n")
            self.assertEqual(done.returncode, 3, said)
            self.assertRegex(said, r"record 3: NOT_FOUND PARTITION_NOT_FOUND")
            done, _, said = timed(broker, "produce", "t", "-f", "%p %v\n", stdin=b"0 a\nx b\n")
            self.assertRegex(said, r"input line 2, byte 4: record 2 does not fit")


class Descriptors(unittest.TestCase):
    def test_a_topic_that_needs_more_descriptors_than_there_are_is_refused_at_once(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))  # noqa: E731
        with Folder() as folder:
            broker = Broker(folder / "data")
            broker.preexec = limit
            with broker:
                done, took, said = timed(broker, "--timeout", "30s", "topic", "create", "wide", "-p", "5000")
                self.assertEqual(done.returncode, 1, said)
                self.assertIn("TOO_FEW_DESCRIPTORS", said)
                self.assertLess(took, AT_ONCE_S)
                self.assertIn("ulimit -n", said)

    def test_a_bound_of_the_configuration_is_told_at_once(self):
        with Folder() as folder, Broker(folder / "data", "--set", "limits.topics_max=1") as broker:
            broker.ion("topic", "create", "one")
            done, took, said = timed(broker, "--timeout", "30s", "topic", "create", "two")
            self.assertEqual(done.returncode, 1, said)
            self.assertIn("TOO_MANY_TOPICS", said)
            self.assertLess(took, AT_ONCE_S)


class Usage(unittest.TestCase):
    def refused(self, *words, env=None):
        done = subprocess.run([str(ION), *words], env={**os.environ, "ION_BROKERS": "127.0.0.1:1", **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=WAIT_S, text=True)
        self.assertEqual(done.returncode, 2, (words, done.stderr))
        return done.stderr

    def test_a_missing_word_and_one_too_many_are_named_with_the_synopsis(self):
        for words, name in ((["topic", "create"], "NAME..."), (["topic", "describe"], "NAME..."), (["topic", "delete", "-y"], "NAME..."), (["produce"], "TOPIC"),
                            (["consume"], "TOPIC..."), (["plugin", "inspect"], "FILE"), (["bench", "produce"], "TOPIC"), (["bench", "consume"], "TOPIC")):
            said = self.refused(*words)
            self.assertIn(name + " is missing", said)
            self.assertIn(f"usage: ion {words[0]}", said)
            self.assertIn(name, said.split("usage:")[1])
        for words in (["topic", "list", "a", "extra"], ["produce", "a", "extra"], ["cluster", "info", "extra"], ["config", "check", "a", "extra"], ["version", "extra"]):
            said = self.refused(*words)
            self.assertIn('one word too many: "extra"; want ', said)
            self.assertIn("usage: ion", said)
        self.assertIn("word 1 is empty", self.refused("topic", "create", ""))

    def test_an_empty_item_of_a_list_is_named(self):
        self.assertIn('--partitions: item 2 of "0,,1" is empty', self.refused("consume", "t", "-p", "0,,1"))
        self.assertIn('--partitions: item 3 of "0,1," is empty', self.refused("consume", "t", "-p", "0,1,"))
        self.assertIn('--brokers: item 1 of ",127.0.0.1:1" is empty', self.refused("--brokers", ",127.0.0.1:1", "topic", "list"))
        self.assertIn("$ION_BROKERS: item 2 of", self.refused("topic", "list", env={"ION_BROKERS": "127.0.0.1:1,,127.0.0.1:2"}))

    def test_an_empty_value_of_an_option_is_a_mistake_where_it_means_nothing(self):
        for words in (["--brokers", "", "topic", "list"], ["--brokers=", "topic", "list"], ["topic", "list", "--brokers", ""], ["--timeout", "", "topic", "list"],
                      ["--format", "", "topic", "list"], ["topic", "list", "--format="], ["consume", "t", "-p", ""], ["consume", "t", "-o", ""], ["consume", "t", "-f", ""],
                      ["consume", "t", "-n", ""], ["produce", "t", "-f", ""], ["produce", "t", "--acks", ""], ["produce", "t", "-H", ""], ["topic", "create", "t", "-c", ""],
                      ["topic", "create", "t", "-p", ""], ["bench", "produce", "t", "--size", ""]):
            self.assertIn("its value is empty", self.refused(*words), words)

    def test_words_that_are_no_command_are_answered_by_the_nearest_and_those_of_their_area(self):
        for words, first in ((["topic", "creat", "x"], 'ion: unknown command "topic creat"; did you mean "topic create"?'), (["topic"], "ion: topic: which one?"),
                             (["topics", "list"], 'ion: unknown command "topics list"; did you mean "topic list"?'), (["prodcue", "t"], 'ion: unknown command "prodcue t"'),
                             (["nothing"], 'ion: unknown command "nothing"; ion --help lists all')):
            said = self.refused(*words)
            self.assertEqual(said.splitlines()[0][:len(first)], first)
            self.assertEqual("\n  topic create NAME..." in said, words[0] == "topic")
            self.assertNotIn("options:", said)

    def test_a_value_out_of_range_names_its_option_as_it_was_typed(self):
        for words, wanted in ((["produce", "t", "--delivery-timeout", "0"], "--delivery-timeout: want 1s to 7d, have 0"),
                              (["produce", "t", "--delivery-timeout", "999ms"], "--delivery-timeout: want 1s to 7d, have 999ms"),
                              (["produce", "t", "--delivery-timeout", "8d"], "--delivery-timeout: want 1s to 7d, have 8d"),
                              (["produce", "t", "-z", "gzip:77"], '--compression: want a level of gzip from 1 to 9, have "gzip:77"'),
                              (["produce", "t", "-z", "snappy:1"], '--compression: snappy has no levels, have "snappy:1"'),
                              (["bench", "produce", "t", "--linger", "61s"], "--linger: want 0s to 1m, have 61s"),
                              (["bench", "produce", "t", "--batch-bytes", "1"], "--batch-bytes: want 1KiB to 16MiB, have 1"),
                              (["bench", "produce", "t", "--records", "0"], "--records: want at least 1, have 0"),
                              (["bench", "produce", "t", "--clients", "0"], "--clients: want at least 1, have 0"),
                              (["consume", "t", "--timeout", "0"], "--timeout: want 1ms to 7d, have 0"),
                              (["consume", "t", "--timeout", "8d"], "--timeout: want 1ms to 7d, have 8d")):
            said = self.refused(*words)
            self.assertIn(wanted, said)
            self.assertNotIn("options:", said)

    def test_a_benchmark_says_what_a_size_is_and_that_the_topic_is_in_use(self):
        self.assertIn("want 1 to 16MiB, have 0", self.refused("bench", "produce", "t", "--size", "0"))
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "orders")
            broker.ion("produce", "orders", stdin=b"a\nb\n")
            bench = ["bench", "produce", "orders", "--records", "10", "--no-ceiling"]
            self.assertIn(b"already, with 2 records; 10 of this run are added\n", broker.ion(*bench).stderr)
            self.assertIn(b"with 12 records; 10 of this run are added, and -p and -c, which are for a new topic, are not applied", broker.ion(*bench, "-p", "3").stderr)
            self.assertEqual(broker.ion("bench", "produce", "fresh", "--records", "10", "--no-ceiling").stderr, b"")


class Memory(unittest.TestCase):
    def test_a_process_that_may_map_too_little_says_so_within_its_timeout(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            broker.ion("topic", "create", "t")
            for mib in (60, 100, 200, 300):
                for words in (["topic", "list"], ["produce", "t"], ["consume", "t", "-e"], ["bench", "produce", "t", "--no-ceiling", "--records", "10"]):
                    done = subprocess.run([str(ION), "--brokers", broker.address, "--timeout", "5s", *words], input=b"x\n", capture_output=True, timeout=WAIT_S,
                                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20)))  # noqa: B023
                    self.assertEqual(done.returncode, 1, (mib, words, done.stderr))
                    self.assertIn(b"NO_MEMORY", done.stderr)
                    self.assertIn(b"ulimit -v", done.stderr)
                    self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
