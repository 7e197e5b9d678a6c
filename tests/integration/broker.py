"""Real processes under a test's hand: an ionstreamd on a free port, and the ion command line against it.

Nothing outlives the test: every broker is stopped or killed by its own handle, every wait has a limit.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ["ION_BUILD"])
SOURCE = pathlib.Path(os.environ["ION_SOURCE"])
IONSTREAMD = BUILD / "bin" / "ionstreamd"
ION = BUILD / "bin" / "ion"
START_LIMIT_S = 60
STOP_LIMIT_S = 60
CALL_LIMIT_S = 120
BLOCK_LIMIT_S = 280  # of a block that also builds something


class Broker:
    """One ionstreamd. `listen` keeps its port over restarts."""

    def __init__(self, data_dir, *args, config=None, dev=True, env=None):
        self.data_dir = pathlib.Path(data_dir)
        self.log_path = pathlib.Path(str(data_dir) + ".log")
        self.args = [str(a) for a in args]
        self.config = config
        self.dev = dev
        self.env = {**os.environ, **(env or {})}
        self.preexec = None  # run in the child before it becomes the broker: its limits
        self.address = None
        self.process = None
        self.log = None

    def command(self):
        listen = self.address or "127.0.0.1:0"
        command = [str(IONSTREAMD), "--data-dir", str(self.data_dir), "--set", f"plugins.transport-grpc.config.listen={listen}"]
        if self.dev:
            command.append("--dev")
        if self.config:
            command += ["--config", str(self.config)]
        return command + self.args

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env, preexec_fn=self.preexec)
        deadline = time.monotonic() + START_LIMIT_S
        line = ""
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if line.startswith("ready") or not line:
                break
        if not line.startswith("ready"):
            self.kill()
            raise AssertionError(f"no ready line, have {line!r}; its log:\n{self.log_text()}")
        self.address = re.search(r"[0-9.]+:[0-9]+", line).group(0)
        return self

    def kill(self):
        """kill -9"""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self):
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_LIMIT_S)
        self._reap()
        return code

    def _reap(self):
        if self.process:
            self.process.wait(STOP_LIMIT_S)
            self.process.stdout.close()
            self.process = None
        if self.log:
            self.log.close()

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def ion(self, *args, stdin=None, check=True):
        """Runs `ion ARGS` against this broker. bytes in, CompletedProcess with bytes out."""
        done = subprocess.run([str(ION), "--brokers", self.address, *[str(a) for a in args]], input=stdin, capture_output=True,
                              timeout=CALL_LIMIT_S, stdin=None if stdin is not None else subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"ion {args} ended with {done.returncode}: {done.stderr.decode(errors='replace')}\nbroker:\n{self.log_text()}")
        return done

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        if self.process:
            self.kill()


def readme_block(page, number=0):
    """A block of commands of a page: the first, or the one of that number."""
    return re.findall(r"```sh\n(.*?)```", (SOURCE / page).read_text(), re.S)[number]


def paste(block, folder, environment):
    """Runs a block of commands as a reader pastes it, with a port of its own for the broker in it. CompletedProcess with text."""
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        where = {"ION_PLUGINS__TRANSPORT_GRPC__CONFIG__LISTEN": address, "ION_BROKERS": address}
        done = subprocess.run(["bash", "-c", block], cwd=folder, env={**environment, **where}, capture_output=True, text=True, timeout=BLOCK_LIMIT_S, stdin=subprocess.DEVNULL)
        if "address already in use" not in done.stderr.lower():  # somebody else took the port meanwhile
            break
    return done


def run_ionstreamd(*args):
    """One that is expected to end by itself. CompletedProcess with text."""
    return subprocess.run([str(IONSTREAMD), *[str(a) for a in args]], capture_output=True, text=True, timeout=START_LIMIT_S,
                          stdin=subprocess.DEVNULL)


class Folder:
    """A temporary folder for one test; kept when ION_KEEP is set."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="ion-test-"))

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if "ION_KEEP" not in os.environ:
            shutil.rmtree(self.path, ignore_errors=True)
