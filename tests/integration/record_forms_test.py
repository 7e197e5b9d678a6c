"""What `ion produce` and `ion consume` take and print: every option is obeyed, refused or told, and none is dropped in silence."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from broker import ION, Broker, Folder


class WithBroker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.broker = Broker(cls.folder.path / "data").start()
        cls.topics = 0

    @classmethod
    def tearDownClass(cls):
        cls.broker.kill()
        cls.folder.__exit__()

    def topic(self, partitions=1):
        type(self).topics += 1
        name = f"{type(self).__name__.lower()}{self.topics}"
        self.broker.ion("topic", "create", name, "-p", partitions)
        return name

    def run_ion(self, *args, stdin=None):
        """(exit code, stdout, stderr as text)"""
        done = self.broker.ion(*args, stdin=stdin, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


class Produce(WithBroker):
    def test_a_receipt_shows_the_headers_of_its_record(self):
        code, out, err = self.run_ion("produce", self.topic(), "-H", "a:b", "-o", "%H %h{%k=%v,}\n", stdin=b"x\n")
        self.assertEqual((code, out, err), (0, "1 a=b,\n", ""))
        line = json.dumps({"value": "x", "headers": [{"key": "own", "value": None}, {"key": "o", "value": "p"}]}).encode()
        code, out, err = self.run_ion("produce", self.topic(), "-f", "json", "-H", "a:b", "-o", "%H %h{%k=%v,}%v\n", stdin=line)
        self.assertEqual((code, out, err), (0, "3 a=b,own=,o=p,x\n", ""))

    def test_an_option_that_the_format_overrides_is_told(self):
        name = self.topic(3)
        code, out, err = self.run_ion("produce", name, "-k", "mine", "-p", "2", "-f", "%k %p %v\n", "-o", "%k %p\n", stdin=b"theirs 1 x\n")
        self.assertEqual((code, out), (0, "theirs 1\n"))
        self.assertIn("%k of the format gives the key of each record; -k is not used", err)
        self.assertIn("%p of the format gives the partition of each record; -p is not used", err)

    def test_the_partition_of_a_json_line_is_used_only_when_asked_for_and_that_is_told(self):
        source, placed, kept, one = self.topic(4), self.topic(4), self.topic(4), self.topic(4)
        for partition in range(4):
            self.run_ion("produce", source, "-p", partition, "-k", "same", stdin=b"x\ny\n")
        lines = self.broker.ion("consume", source, "-e").stdout
        code, out, err = self.run_ion("produce", placed, "-f", "json", "-o", "%p\n", stdin=lines)
        self.assertEqual((code, len(set(out.split()))), (0, 1), "the key decides")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertIn("the partition of the lines is not used; -p input keeps it", err)
        code, out, err = self.run_ion("produce", kept, "-f", "json", "-p", "input", stdin=lines)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.broker.ion("consume", kept, "-e", "-f", "%p\n").stdout.split(), self.broker.ion("consume", source, "-e", "-f", "%p\n").stdout.split())
        code, out, err = self.run_ion("produce", one, "-f", "json", "-p", "2", "-o", "%p\n", stdin=lines)
        self.assertEqual((code, set(out.split()), err), (0, {"2"}, ""), "-p N says where all go")

    def test_a_line_without_the_partition_that_is_to_be_kept_is_a_mistake(self):
        code, _, err = self.run_ion("produce", self.topic(), "-f", "json", "-p", "input", stdin=b'{"value":"a","partition":0}\n{"value":"b"}\n')
        self.assertEqual(code, 3, err)
        self.assertIn('line 2: "partition" is missing, and -p input wants it', err)

    def test_input_partitions_want_a_format_that_reads_them(self):
        code, _, err = self.run_ion("produce", self.topic(), "-p", "input", stdin=b"x\n")
        self.assertEqual(code, 2, err)
        self.assertIn("--partition: input wants -f json or a format with %p", err)
        code, _, err = self.run_ion("produce", self.topic(), "-p", "inptu", stdin=b"x\n")
        self.assertEqual(code, 2, err)
        self.assertIn('--partition: want a whole number from 0 on, or input, have "inptu"', err)

    def test_a_json_mistake_names_line_and_key(self):
        code, _, err = self.run_ion("produce", self.topic(), "-f", "json", stdin=b'{"value":"a"}\n\n{"value":"b"}\n{"value":17}\n')
        self.assertEqual(code, 3, err)
        self.assertIn('input line 4: "value": want text or null, have a number', err)

    def test_a_partition_that_no_topic_can_have_is_told_as_it_was_read(self):
        for number in (-3, 5_000_000_000):
            code, _, err = self.run_ion("produce", self.topic(2), "-f", "%p %v\n", stdin=b"%d x\n0 y\n" % number)
            self.assertEqual(code, 3, err)
            self.assertRegex(err, rf"record 1: NOT_FOUND PARTITION_NOT_FOUND: .+(, not| has no partition) {number}\n")

    def test_input_that_does_not_fit_says_what_was_wanted(self):
        cases = {("%k:%v\n", b"a:b\nno colon\n"): (3, 'record 2 does not fit the format: want ":" behind %k'), ("%V %v\n", b"x abc\n"): (1, "want a number for %V"),
                 ("%V{big32}%v", b"\xff" * 8): (1, "want a length of at most 67108864 for %V, have 4294967295"), ("%v{hex}\n", b"6g\n"): (1, "want hex for %v"),
                 ("%v{base64}\n", b"?\n"): (1, "want base64 for %v"), ("%V{5}%v", b"abc"): (1, "want 5 bytes for %v, and the input ends after 3"),
                 ("<%v>\n", b"(a)\n"): (1, 'want "<"'), ("%H %h{%K%k%V%v}%v\n", b"70000 x\n"): (1, "want at most 65536 headers for %H, have 70000")}
        for (format, stdin), (code, words) in cases.items():
            with self.subTest(format=format):
                done = self.run_ion("produce", self.topic(), "-f", format, stdin=stdin)
                self.assertEqual(done[0], code, done)
                self.assertIn(words, done[2])
                self.assertEqual("stopped after" in done[2], code == 3, "what was done before is told, nothing is not")

    def test_a_line_without_a_separator_is_told_with_its_number_and_nothing_of_it_is_sent(self):
        topic = self.topic()
        code, _, err = self.run_ion("produce", topic, "-f", "%k %v\n", stdin=b"a 1\nb 2\nlonely\nc 3\n")
        self.assertEqual(code, 3, err)
        self.assertIn('input line 3, byte 14: record 3 does not fit the format: want " " behind %k, and the record ends before it: "lonely"', err)
        self.assertEqual(self.run_ion("consume", topic, "-e", "-f", "%k=%v\n")[1], "a=1\nb=2\n")
        many = b"k v\n" * 300_000
        _, _, err = self.run_ion("produce", topic, "-f", "%k %v\n", stdin=many + b"lonely\n")
        self.assertIn(f"input line 300001, byte {len(many) + 6}: ", err)

    def test_a_record_without_any_topic_is_told_with_both_ways_to_name_one(self):
        code, _, err = self.run_ion("produce", "-f", "json", stdin=b'{"value":"a"}\n')
        self.assertEqual(code, 1, err)
        self.assertIn('record 1 names no topic: want "topic" in each line, or TOPIC on the command line', err)
        code, _, err = self.run_ion("produce", "-f", "%t %v\n", stdin=b' a\n')
        self.assertEqual(code, 1, err)
        self.assertIn("record 1 names no topic: %t read an empty one", err)


class Consume(WithBroker):
    def uneven(self):
        name = self.topic(3)
        self.run_ion("produce", name, "-p", 0, stdin=b"".join(b"%d\n" % i for i in range(10)))
        self.run_ion("produce", name, "-p", 1, stdin=b"0\n1\n2\n")
        return name

    def test_partitions_that_hold_the_offset_are_read_and_the_others_told(self):
        name = self.uneven()
        code, out, err = self.run_ion("consume", name, "-o", "5", "-e", "-f", "%p/%o ")
        self.assertEqual((code, out), (3, "0/5 0/6 0/7 0/8 0/9 "))
        self.assertEqual(len(err.splitlines()), 2, err)
        self.assertIn(f"ion: consume {name}: OUT_OF_RANGE: partition 1 is left out: offset 5 is not there: the log holds 0 up to 3 (exclusive)", err)
        self.assertIn("partition 2 is left out: offset 5 is not there: the log holds no records, the next one is 0", err)

    def test_a_range_that_begins_behind_a_partition_is_told_and_what_is_there_is_read(self):
        name = self.uneven()
        code, out, err = self.run_ion("consume", name, "-o", "4:6", "-f", "%p/%o ")
        self.assertEqual((code, out, len(err.splitlines())), (3, "0/4 0/5 ", 2), err)
        code, out, err = self.run_ion("consume", name, "-o", ":6", "-p", "0,1", "-f", "%p/%o ")
        self.assertEqual((code, err), (0, ""), "what is less than the end is all that there is")

    def test_an_offset_that_no_partition_holds_is_a_failure_and_its_lines_are_bounded(self):
        name = self.topic(40)
        code, out, err = self.run_ion("consume", name, "-o", "7", "-e")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(len(err.splitlines()), 11, err)
        self.assertIn("and 30 more partitions are left out", err)
        code, out, err = self.run_ion("consume", self.topic(1), "-o", "7", "-e")
        self.assertEqual((code, len(err.splitlines())), (1, 1), err)

    def test_a_topic_that_is_not_there_is_an_error_whatever_else_was_read(self):
        name = self.uneven()
        for words in (["-n", "1"], ["-e"], ["-o", "2", "-n", "1"], ["-o", "-1"]):
            with self.subTest(words=words):
                code, out, err = self.run_ion("consume", name, "nowhere", "-p", "0", *words, "-f", "%p\n", *(["-e"] if "-1" in words else []))
                self.assertEqual(code, 3, err)
                self.assertTrue(out)
                self.assertIn("ion: consume nowhere: NOT_FOUND TOPIC_NOT_FOUND: topic 'nowhere' is not there", err)
        self.assertEqual(self.run_ion("consume", "nowhere", "nor-here", "-n", "1")[0], 1)

    def test_a_topic_named_twice_is_a_mistake(self):
        name = self.topic()
        code, _, err = self.run_ion("consume", name, name, "-e")
        self.assertEqual(code, 2, err)
        self.assertIn(f"topic {name} is named twice", err)


class Deleted(WithBroker):
    def test_a_topic_that_is_deleted_while_it_is_followed_ends_the_run_with_one_line(self):
        name = self.topic(4)
        self.run_ion("produce", name, stdin=b"x\n" * 100)
        with tempfile.TemporaryFile() as err:
            follow = subprocess.Popen([str(ION), "--brokers", self.broker.address, "consume", name, "-f", "%v\n"], stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL)
            with follow:
                self.assertEqual(len([follow.stdout.readline() for _ in range(100)]), 100)
                self.broker.ion("topic", "delete", name, "-y")
                self.assertEqual(follow.wait(60), 1)
            err.seek(0)
            said = err.read().decode()
        self.assertEqual(said, f"ion: consume {name}: NOT_FOUND TOPIC_NOT_FOUND: topic '{name}' was deleted while it was read\n")


class Options(WithBroker):
    def test_numbers_that_cannot_be_meant_are_usage_errors(self):
        for words, said in ((["topic", "create", "x", "-r", "0"], "--replicas: at least 1"), (["topic", "create", "x", "-p", "99999999999999999999"], 'have "99999999999999999999": too large')):
            code, _, err = self.run_ion(*words)
            self.assertEqual(code, 2, err)
            self.assertIn(said, err)
        self.assertEqual(self.run_ion("topic", "describe", "x")[0], 1)

    def test_words_that_a_terminal_would_obey_are_shown_as_numbers(self):
        code, _, err = self.run_ion("topic", "create", "a\x1b[31mb")
        self.assertEqual(code, 1)
        self.assertNotIn("\x1b", err)
        self.assertIn("a\\x1b[31mb", err)

    def test_help_shows_what_it_is_asked_for(self):
        for words, has, has_not in ((["help", "topic"], "topic create", "bench produce"), (["help", "topic", "create"], "--if-not-exists", "bench"), (["help"], "bench produce", "--if-not-exists"),
                                    (["cluster", "info", "--help"], "usage: ion cluster info [option...]", "--version")):
            with self.subTest(words=words):
                code, out, err = self.run_ion(*words)
                self.assertEqual((code, err), (0, ""))
                self.assertIn(has, out)
                self.assertNotIn(has_not, out)
        for command, field in (("consume", "%x  producer id"), ("get", "%x  producer id"), ("produce", "%K  length of the key, before %k")):
            self.assertIn(field, self.run_ion(command, "--help")[1])
        self.assertEqual(self.run_ion("help", "nothing")[0], 2)
        self.assertEqual(self.run_ion("topic", "list", "--version")[0], 2, "it would be read by nobody")

    def test_an_option_that_stands_for_one_thing_is_given_once(self):
        for words in (["consume", "t", "-o", "start", "-o", "end"], ["produce", "t", "-k", "a", "--key", "a"], ["topic", "list", "--timeout", "1s", "--timeout", "2s"],
                      ["--brokers", "127.0.0.1:1", "--brokers", "127.0.0.1:2", "topic", "list"], ["get", "x", "-f", "a", "-f", "b"], ["bench", "produce", "t", "--size", "1", "--size", "2"]):
            with self.subTest(words=words):
                done = subprocess.run([str(ION), *words], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(b"is given 2 times", done.stderr)

    def test_a_setting_of_a_topic_is_given_once(self):
        for command in (["topic", "create"], ["bench", "produce"]):
            code, _, err = self.run_ion(*command, "twice", "-c", "durability=os", "-c", "durability=fsync")
            self.assertEqual(code, 2, err)
            self.assertIn("--config: durability is given twice", err)
        self.assertEqual(self.run_ion("topic", "describe", "twice")[0], 1)

    def test_output_that_cannot_be_written_is_exit_1_whatever_else_failed(self):
        name = self.topic()
        self.run_ion("produce", name, stdin=b"x\n" * 20)
        cases = [["produce", name, "-o", "%p %o\n"], ["consume", name, "-e"], ["consume", name, "nowhere", "-e"], ["topic", "describe", name, "nowhere"], ["topic", "create", "made", name],
                 ["topic", "delete", "-y", "made", "nowhere"], ["topic", "list"], ["cluster", "info"], ["plugin", "list"], ["version"], ["--help"], ["consume", "--help"],
                 ["bench", "produce", name, "--records", "10", "--no-ceiling"], ["config", "check"]]
        with open("/dev/full", "wb") as full:
            for words in cases:
                with self.subTest(words=words):
                    done = subprocess.run([str(ION), "--brokers", self.broker.address, *words], stdout=full, stderr=subprocess.PIPE, input=b"1\n2\n3\n", timeout=60)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(b"No space left on device", done.stderr)


if __name__ == "__main__":
    unittest.main()
