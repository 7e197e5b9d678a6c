"""What the environment of a process holds by accident must not decide whether it starts: variables that an orchestrator makes for services."""
import os
import re
import subprocess
import unittest

from broker import ION, SOURCE, Broker, Folder

# Kubernetes makes these for every Service of the namespace; here one is called "ion", one "ion-node", one "ion-log", one "ionstream".
SERVICES = {
    "ION_SERVICE_HOST": "10.96.4.17", "ION_SERVICE_PORT": "9640", "ION_SERVICE_PORT_CLIENT": "9640", "ION_PORT": "tcp://10.96.4.17:9640",
    "ION_PORT_9640_TCP": "tcp://10.96.4.17:9640", "ION_PORT_9640_TCP_PROTO": "tcp", "ION_PORT_9640_TCP_PORT": "9640",
    "ION_PORT_9640_TCP_ADDR": "10.96.4.17", "ION_NODE_PORT": "tcp://10.96.4.18:80", "ION_NODE_SERVICE_HOST": "10.96.4.18",
    "ION_LOG_PORT": "tcp://10.96.4.19:80", "ION_LIMITS_SERVICE_HOST": "10.96.4.20", "IONSTREAM_SERVICE_HOST": "10.96.4.21",
}


class ServiceVariables(unittest.TestCase):
    def test_the_broker_starts_and_takes_only_its_own(self):
        with Folder() as folder, Broker(folder / "data", env={**SERVICES, "ION_TOPICS__PARTITIONS": "4"}) as broker:
            broker.ion("topic", "create", "four")
            self.assertEqual(len(broker.ion("topic", "describe", "four", "--format", "json").stdout.split(b'"leader"')) - 1, 4)

    def test_the_option_wins_over_the_variable_and_the_variable_is_used_without_it(self):
        with Folder() as folder, Broker(folder / "data") as broker:
            elsewhere = {**os.environ, **SERVICES, "ION_BROKERS": "127.0.0.1:1"}
            for environment, option in ((elsewhere, ["--brokers", broker.address]), ({**elsewhere, "ION_BROKERS": broker.address}, [])):
                done = subprocess.run([str(ION), *option, "topic", "list"], env=environment, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_help_names_every_variable_that_is_read(self):
        text = subprocess.run([str(ION), "--help"], capture_output=True, timeout=60, stdin=subprocess.DEVNULL).stdout.decode()
        read = set()
        for folder in ("cli", "sdk/cpp"):
            for file in (SOURCE / folder).rglob("*.cpp"):
                read |= set(re.findall(r'getenv\("(\w+)"\)', file.read_text()))
        self.assertTrue(read)
        for name in read - {"PATH"}:  # which is every program's
            self.assertIn(name, text.split("\nenvironment ")[1])


if __name__ == "__main__":
    unittest.main()
