#!/usr/bin/env python3
"""Figures that compare two builds, and those that count memory, descriptors and time at scale. Run by hand, on a quiet machine.

  measure.py pair BASE_BIN NEW_BIN [--pairs N] [--shape NAME...]   throughput of NEW against BASE, in turn (A B B A), as ratios
  measure.py memory BIN [--gib N]                                  anonymous and mapped memory of the broker while N GiB go in and out
  measure.py producers BIN [--clients N] [--megabytes N]           memory while N clients have sent all but the end of a message each
  measure.py readers BIN [--clients N]                             memory while N subscriptions of messages are not read
  measure.py compaction BIN [--megabytes N] [--size N] [--keys N]  input per second of a core, and p99 of produce meanwhile and without
  measure.py topics BIN [--topics N] [--partitions N]              create, restart, idle CPU, descriptors and disk of many topics
  measure.py recovery BIN [--partitions N] [--mib N]               until a broker is ready after a clean stop and after kill -9, and what it takes idle

BIN is a folder with ionstreamd and ion. Every broker runs on a free port of the loopback with its own data folder, and is stopped at the end.
TMPDIR=/dev/shm keeps the data folders out of the way of the disk: what one broker wrote is otherwise still being written while the next one is measured.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
import raw_http2  # noqa: E402

SHAPES = {  # name: (verb, options), figure
    "produce-1k-os": (["produce", "--size", "1024", "--records", "1600000", "-c", "durability=os"], "records_per_s"),
    "produce-128-os": (["produce", "--size", "128", "--records", "8000000", "-c", "durability=os"], "records_per_s"),
    "produce-1k-fsync": (["produce", "--size", "1024", "--records", "1000000", "-c", "durability=fsync"], "records_per_s"),
    "one-in-flight-fsync": (["produce", "--size", "1024", "--records", "1500", "--one-in-flight", "-c", "durability=fsync"], "records_per_s"),
    "consume-1k": (["consume", "--size", "1024", "--records", "1600000", "-c", "durability=os"], "records_per_s"),
}


class Broker:
    def __init__(self, bin_dir, *args):
        self.bin = pathlib.Path(bin_dir).absolute()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ion-measure-"))
        self.args, self.address, self.process = args, "127.0.0.1:0", None
        self.start()

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([str(self.bin / "ionstreamd"), "--dev", "--data-dir", str(self.folder / "data"), "--set", "log.level=warn", "--set",
                                         f"plugins.transport-grpc.config.listen={self.address}", *self.args], stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"ready.*?([0-9.]+:[0-9]+)", line)
        if not found:
            raise SystemExit(f"no ready line from {self.bin}: {line!r}\n{(self.folder / 'log').read_text()}")
        self.address = found.group(1)

    def stop(self):
        self.process.terminate()
        code = self.process.wait(120)
        self.process.stdout.close()
        return code

    def ion(self, *args, limit=600):
        done = subprocess.run([str(self.bin / "ion"), "--brokers", self.address, *args], capture_output=True, text=True, timeout=limit)
        if done.returncode != 0:
            raise SystemExit(f"ion {args} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def bench(self, verb, topic, *options):
        os.sync()  # what earlier runs wrote is not to be written out in the middle of this one
        return json.loads(self.ion("bench", verb, topic, "--no-ceiling", "--format", "json", *options))

    def memory_mib(self):
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text(), re.M))
        return {name: int(fields[name]) // 1024 for name in ("RssAnon", "RssFile")}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Peak:
    """The largest of each figure while a block runs, looked at fifty times a second."""

    def __init__(self, ask):
        self.ask, self.most, self.over = ask, {}, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self):
        while not self.over.wait(0.02):
            for name, value in self.ask().items():
                self.most[name] = max(value, self.most.get(name, 0))

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def pair(options):
    ratios = {name: [] for name in options.shape}
    for number in range(options.pairs):
        figures = {}
        for which in ("base", "new") if number % 2 == 0 else ("new", "base"):  # the second of two finds warmer memory
            broker = Broker(getattr(options, which))
            try:
                for name in options.shape:
                    (verb, *rest), figure = SHAPES[name]
                    if verb == "consume":
                        broker.bench("produce", "filled", *rest)
                        figures[which, name] = broker.bench("consume", "filled", *[r for r in rest if r not in ("-c", "durability=os")])[figure]
                    else:
                        figures[which, name] = broker.bench(verb, name, *rest)[figure]
            finally:
                broker.close()
        for name in options.shape:
            ratios[name].append(figures["new", name] / figures["base", name])
            print(f"{number + 1}/{options.pairs} {name}: base {figures['base', name]:.0f}, new {figures['new', name]:.0f} records/s, ratio {ratios[name][-1]:.2f}", flush=True)
    print(f"\n{'shape':22} {'median':>7} {'least':>7} {'most':>7}")
    for name, seen in ratios.items():
        print(f"{name:22} {statistics.median(seen):7.2f} {min(seen):7.2f} {max(seen):7.2f}")


def memory(options):
    broker = Broker(options.bin)
    try:
        records = str(options.gib << 20)
        for verb, extra in (("produce", ["-c", "durability=os"]), ("consume", [])):
            with Peak(broker.memory_mib) as peak:
                broker.bench(verb, "filled", "--size", "1024", "--records", records, *extra)
            print(f"{verb} {options.gib} GiB: anonymous at most {peak.most['RssAnon']} MiB, mapped files at most {peak.most['RssFile']} MiB", flush=True)
    finally:
        broker.close()


class Crowd:
    """Raw clients of a broker, and what they did to its anonymous memory."""

    def __init__(self, bin_dir, budget_mib):
        self.budget_mib = budget_mib
        self.broker = Broker(bin_dir, "--set", f"plugins.transport-grpc.config.memory_bytes_max={budget_mib}MiB")

    def run(self, clients, method, send):
        before = self.broker.memory_mib()["RssAnon"]
        calls = [raw_http2.Call(self.broker.address, method) for _ in range(clients)]
        senders = [threading.Thread(target=send, args=(call,)) for call in calls]
        with Peak(self.broker.memory_mib) as peak:
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(120)
            time.sleep(5)
        for call in calls:
            call.look(1)
        refused = sum(1 for call in calls if call.ended)
        for call in calls:
            call.close()
        time.sleep(10)
        most, after = peak.most["RssAnon"] - before, self.broker.memory_mib()["RssAnon"] - before
        print(f"{clients} clients, budget {self.budget_mib} MiB: at most {most} MiB more ({most / self.budget_mib:.2f} of the budget), {refused} refused, "
              f"{after} MiB more 10 s after they went ({max(0.0, 1 - max(after, 0) / max(most, 1)) * 100:.0f} % given back)", flush=True)


def producers(options):
    crowd = Crowd(options.bin, options.budget_mib)
    message = raw_http2.message(bytes(options.megabytes * 1_000_000))
    try:
        crowd.run(options.clients, "/ionstream.v1.Broker/ProduceStream", lambda call: call.send(message[:-1000]))
    finally:
        crowd.broker.close()


def readers(options):
    crowd = Crowd(options.bin, options.budget_mib)
    part = b"\x0a\x06filled"  # SubscribeRequest by hand: one part, delivery = MESSAGES
    request = raw_http2.message(b"\x0a" + bytes([len(part)]) + part + b"\x20\x02")
    try:
        crowd.broker.bench("produce", "filled", "--size", "1024", "--records", "40000", "-c", "durability=os")
        crowd.run(options.clients, "/ionstream.v1.Broker/Subscribe", lambda call: call.send(request, True))
    finally:
        crowd.broker.close()


def compaction(options):
    random_, records = random.Random(1), options.megabytes * 1_000_000 // (options.size + 12)
    broker = Broker(options.bin, "--set", "log.level=info", *options.set)
    log = lambda: (broker.folder / "log").read_text()
    p99 = lambda: broker.bench("produce", "beside", "--size", "1024", "--records", "1500", "--one-in-flight", "-c", "durability=fsync")["p99_us"]
    try:
        broker.ion("topic", "create", "keyed", *"-c durability=os -c cleanup.policy=compact -c min.cleanable.dirty.ratio=0.01 -c min.compaction.lag.ms=1d".split())
        lines = "".join(f"key{random_.randrange(options.keys):07d} {n:08d}{'x' * (options.size - 8)}\n" for n in range(records))
        subprocess.run([str(broker.bin / "ion"), "--brokers", broker.address, "produce", "keyed", "-f", "%k %v\\n"], input=lines.encode(), check=True, capture_output=True)
        del lines
        without = sorted(p99() for _ in range(5))
        before = broker.cpu_s()
        if options.alone:
            broker.ion("topic", "alter", "keyed", "-c", "min.compaction.lag.ms=0")
            while "partition compacted" not in log():
                time.sleep(0.1)
            cpu = broker.cpu_s() - before
            bytes_in = int(re.search(r'bytes="(\d+) became', log()).group(1))
            print(f"{bytes_in / 1e6:.0f} MB of records of {options.size} bytes, {options.keys} keys: {cpu:.2f} s of a core, {bytes_in / 1e6 / cpu:.0f} MB/s", flush=True)
            return
        broker.ion("topic", "alter", "keyed", "-c", "min.compaction.lag.ms=0")
        runs = []
        while "partition compacted" not in log():
            began = time.monotonic()
            runs.append((began, p99(), time.monotonic()))
        took = int(re.search(r'took="(\d+) ms"', log()).group(1)) / 1000
        inside = sorted(figure for began, figure, ended in runs[:-1] if began >= runs[-1][2] - took)
        print(f"p99 of produce, one in flight, fsync: {statistics.median(without)} us without ({without}), {statistics.median(inside or [runs[-1][1]])} us meanwhile ({inside}), {took:.1f} s of compaction", flush=True)
    finally:
        broker.close()


def topics(options):
    broker = Broker(options.bin)
    try:
        began = time.monotonic()
        names = [f"t{n}" for n in range(options.topics)]
        for at in range(0, len(names), 50):
            broker.ion("topic", "create", *names[at:at + 50], "-p", str(options.partitions))
        created = time.monotonic() - began
        print(f"create {options.topics} topics of {options.partitions} partitions: {created:.1f} s, descriptors {broker.descriptors()}", flush=True)
        before, began = broker.cpu_s(), time.monotonic()
        time.sleep(10)
        print(f"idle: {(broker.cpu_s() - before) / (time.monotonic() - began) * 100:.2f} % of a core", flush=True)
        began = time.monotonic()
        code = broker.stop()
        print(f"stop: {time.monotonic() - began:.1f} s, exit {code}", flush=True)
        used = subprocess.run(["du", "-sm", str(broker.folder / "data")], capture_output=True, text=True).stdout.split()[0]
        began = time.monotonic()
        broker.start()
        print(f"restart: {time.monotonic() - began:.1f} s, descriptors {broker.descriptors()}, {used} MiB of disk, {broker.memory_mib()}", flush=True)
    finally:
        broker.close()


def recovery(options):
    broker = Broker(options.bin)
    try:
        broker.ion("topic", "create", "filled", "-p", str(options.partitions), "-c", "durability=os")
        broker.bench("produce", "filled", "--size", "1024", "--records", str(options.mib * 1024))
        for how in ("kill -9 at once", "a clean stop", "kill -9 when idle"):
            if how == "a clean stop":
                broker.stop()
            else:
                broker.process.kill()
                broker.process.wait(120)
                broker.process.stdout.close()
            began = time.monotonic()
            broker.start()
            ready = time.monotonic() - began
            before, began = broker.cpu_s(), time.monotonic()
            time.sleep(5)
            idle = (broker.cpu_s() - before) / (time.monotonic() - began) * 100
            memory_now = broker.memory_mib()
            print(f"{options.partitions} partitions, {options.mib} MiB, after {how}: ready in {ready:.2f} s; then {memory_now['RssAnon']} MiB anonymous, "
                  f"{memory_now['RssFile']} MiB mapped, {broker.descriptors()} descriptors, idle {idle:.1f} % of a core", flush=True)
    finally:
        broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("pair")
    one.add_argument("base")
    one.add_argument("new")
    one.add_argument("--pairs", type=int, default=5)
    one.add_argument("--shape", nargs="+", choices=SHAPES, default=list(SHAPES))
    one = verbs.add_parser("memory")
    one.add_argument("bin")
    one.add_argument("--gib", type=int, default=2)
    one = verbs.add_parser("topics")
    one.add_argument("bin")
    one.add_argument("--topics", type=int, default=1000)
    one.add_argument("--partitions", type=int, default=10)
    one = verbs.add_parser("compaction")
    one.add_argument("bin")
    one.add_argument("--megabytes", type=int, default=500)
    one.add_argument("--size", type=int, default=1000)
    one.add_argument("--keys", type=int, default=100_000)
    one.add_argument("--alone", action="store_true", help="nothing is produced meanwhile: what it takes of a core")
    one.add_argument("--set", action="append", default=[], type=lambda word: f"--set={word}", help="KEY=VALUE of the broker")
    one = verbs.add_parser("recovery")
    one.add_argument("bin")
    one.add_argument("--partitions", type=int, default=2000)
    one.add_argument("--mib", type=int, default=10240)
    for name, clients in (("producers", 60), ("readers", 600)):
        one = verbs.add_parser(name)
        one.add_argument("bin")
        one.add_argument("--clients", type=int, default=clients)
        one.add_argument("--budget-mib", type=int, default=256)
    verbs.choices["producers"].add_argument("--megabytes", type=int, default=15)
    options = parser.parse_args()
    {"pair": pair, "memory": memory, "producers": producers, "readers": readers, "topics": topics, "compaction": compaction,
     "recovery": recovery}[options.verb](options)


if __name__ == "__main__":
    main()
