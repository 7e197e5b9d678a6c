"""A plugin author outside the tree: an installed SDK, an empty folder, the commands of sdk/plugin/README.md as they stand there."""
import os
import re
import subprocess
import unittest

from broker import BUILD, CALL_LIMIT_S, SOURCE, START_LIMIT_S, Folder


def commands_of_the_readme():
    text = (SOURCE / "sdk" / "plugin" / "README.md").read_text()
    block = re.search(r"```sh\n(.*?)```", text, re.S).group(1)
    return [line for line in block.splitlines() if line]


class PluginAuthor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.prefix = cls.folder.path / "installed"
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(cls.prefix)], check=True, capture_output=True, timeout=CALL_LIMIT_S)
        cls.home = cls.folder.path / "home"
        cls.home.mkdir()
        cls.environment = dict(os.environ, CMAKE_PREFIX_PATH=str(cls.prefix), PATH=f"{cls.prefix}/bin:/usr/bin:/bin",
                               ION_PLUGINS__TRANSPORT_GRPC__CONFIG__LISTEN="127.0.0.1:0", HOME=str(cls.home))

    @classmethod
    def tearDownClass(cls):
        cls.folder.__exit__()

    def shell(self, command, **more):
        return subprocess.run(["bash", "-c", command], cwd=self.home, env=dict(self.environment, **more), capture_output=True, text=True, timeout=CALL_LIMIT_S)

    def test_five_commands_lead_from_an_empty_folder_to_an_interceptor_that_rejects(self):
        *build, serve, produce = commands_of_the_readme()
        self.assertLessEqual(len(build) + 2, 5)
        for command in build:
            done = self.shell(command)
            self.assertEqual(done.returncode, 0, command + "\n" + done.stdout + done.stderr)
        broker = subprocess.Popen(["bash", "-c", "exec " + serve], cwd=self.home, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            ready = broker.stdout.readline()
            self.assertTrue(ready.startswith("ready"), ready or broker.stderr.read())
            address = re.search(r"[0-9.]+:[0-9]+", ready).group(0)
            done = self.shell(produce, ION_BROKERS=address)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("interceptor size-guard: record 0: a value of 2000 bytes is above bytes_max 1024", done.stderr)
            self.assertEqual(self.shell("echo small | ion produce t", ION_BROKERS=address).returncode, 0)
            self.assertRegex(self.shell("ion plugin list", ION_BROKERS=address).stdout, r"size-guard +demo\.size-guard +1\.0\.0 +started")
        finally:
            broker.terminate()
            broker.communicate(timeout=START_LIMIT_S)
        self.assertEqual(broker.returncode, 0)

    def test_a_source_may_have_any_name_and_a_second_entry_is_named(self):
        plugin = self.home / "other"
        self.assertEqual(self.shell(f"ion-new-plugin other {plugin} && mv {plugin}/plugin.cpp {plugin}/my_rule.cpp").returncode, 0)
        listed = plugin / "CMakeLists.txt"
        listed.write_text(listed.read_text().replace("SOURCES plugin.cpp", "SOURCES my_rule.cpp"))
        done = self.shell("cmake -S other -B other/build && cmake --build other/build")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue((plugin / "build" / "plugins" / "ionstream-plugin-other.so").exists())
        (plugin / "second.cpp").write_text((plugin / "my_rule.cpp").read_text())
        listed.write_text(listed.read_text().replace("SOURCES my_rule.cpp", "SOURCES my_rule.cpp second.cpp"))
        done = self.shell("cmake -S other -B other/build")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("name it with ENTRY", done.stderr)

    def test_a_name_that_is_none_and_a_folder_that_is_there_are_refused(self):
        for command in ("ion-new-plugin", "ion-new-plugin Big_Name", "mkdir taken && ion-new-plugin taken"):
            done = self.shell(command)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()
