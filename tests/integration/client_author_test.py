"""A programmer outside the tree: an installed client, an empty folder, the commands of sdk/cpp/README.md as they stand there."""
import os
import re
import subprocess
import unittest

from broker import BUILD, CALL_LIMIT_S, SOURCE, START_LIMIT_S, Folder


def commands_of_the_readme():
    text = (SOURCE / "sdk" / "cpp" / "README.md").read_text()
    block = re.search(r"```sh\n(.*?)```", text, re.S).group(1)
    return [line for line in block.splitlines() if line]


class ClientAuthor(unittest.TestCase):
    def test_an_example_from_an_empty_folder_builds_against_the_installed_client_and_produces_and_consumes(self):
        with Folder() as folder:
            prefix, home = folder / "installed", folder / "home"
            home.mkdir()
            subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], check=True, capture_output=True, timeout=CALL_LIMIT_S)
            for name in ("client", "producer", "reader", "admin"):
                self.assertTrue((prefix / "include" / "ion" / "client" / f"{name}.h").exists())
            environment = dict(os.environ, CMAKE_PREFIX_PATH=str(prefix), PATH=f"{prefix}/bin:/usr/bin:/bin", HOME=str(home),
                               ION_PLUGINS__TRANSPORT_GRPC__CONFIG__LISTEN="127.0.0.1:0")
            shell = lambda command, **more: subprocess.run(["bash", "-c", command], cwd=home, env=dict(environment, **more), capture_output=True, text=True,  # noqa: E731
                                                           timeout=CALL_LIMIT_S)
            copy, build, serve, *use = commands_of_the_readme()
            for command in (copy, build):
                done = shell(command)
                self.assertEqual(done.returncode, 0, command + "\n" + done.stdout + done.stderr)
            broker = subprocess.Popen(["bash", "-c", "exec " + serve], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                ready = broker.stdout.readline()
                self.assertTrue(ready.startswith("ready"), ready or broker.stderr.read())
                address = re.search(r"[0-9.]+:[0-9]+", ready).group(0)
                for command in use:
                    done = shell(command, ION_BROKERS=address)
                    self.assertEqual(done.returncode, 0, command + "\n" + done.stdout + done.stderr)
                self.assertRegex(done.stdout, r"(?s)sent to greetings\[\d\]@0\nhello\n")
            finally:
                broker.terminate()
                broker.communicate(timeout=START_LIMIT_S)

    def test_the_example_of_the_readme_is_the_one_that_is_built(self):
        text = (SOURCE / "sdk" / "cpp" / "README.md").read_text()
        about, program = (SOURCE / "sdk" / "cpp" / "examples" / "hello.cpp").read_text().split("\n", 1)
        self.assertTrue(about.startswith("//"))
        self.assertIn("```cpp\n" + program + "```", text)


if __name__ == "__main__":
    unittest.main()
