"""`ion` beside a test: run to its end, or followed while it runs."""
import os
import subprocess
import time

from broker import ION

WAIT_S = 60


def ion(address, *args, env=None, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(ION), "--brokers", address, *[str(a) for a in args]], timeout=WAIT_S, env=dict(os.environ, **(env or {})), **more)


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while not probe():
        if time.monotonic() > end:
            raise AssertionError(f"not within {WAIT_S} s: {what}")
        time.sleep(0.02)


class Following:
    """A long-running `ion`, whose stdout and stderr are files that may be looked at any time."""

    def __init__(self, folder, broker, *args, stdin=None):
        self.out, self.err = folder / "out", folder / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([str(ION), "--brokers", broker.address, *args], stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)

    def lines(self):
        return self.out.read_bytes().splitlines()

    def said(self):
        return self.err.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
