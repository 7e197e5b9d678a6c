"""A plugin author outside the tree: an installed SDK, an empty folder, the commands of sdk/plugin/README.md as they stand there."""
import os
import subprocess
import unittest

from broker import BUILD, CALL_LIMIT_S, Folder, paste, readme_block


class PluginAuthor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.prefix = cls.folder.path / "installed"
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(cls.prefix)], check=True, capture_output=True, timeout=CALL_LIMIT_S)
        cls.home = cls.folder.path / "home"
        cls.home.mkdir()
        cls.environment = dict(os.environ, CMAKE_PREFIX_PATH=str(cls.prefix), PATH=f"{cls.prefix}/bin:/usr/bin:/bin", HOME=str(cls.home))

    @classmethod
    def tearDownClass(cls):
        cls.folder.__exit__()

    def shell(self, command, **more):
        return subprocess.run(["bash", "-c", command], cwd=self.home, env=dict(self.environment, **more), capture_output=True, text=True, timeout=CALL_LIMIT_S)

    def test_the_block_of_the_readme_leads_from_an_empty_folder_to_an_interceptor_that_rejects(self):
        block = readme_block("sdk/plugin/README.md")
        upto = [line for line in block[:block.index("ion plugin info")].splitlines() if line]
        self.assertLessEqual(len(upto), 5)
        more = "echo small | ion produce t && echo taken && ion plugin list\n"
        done = paste(block.replace("kill %1", more + "kill %1"), self.home, self.environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("record 1: REJECTED INTERCEPTOR: interceptor size-guard: a value of 2000 bytes is above bytes_max 1024\n", done.stderr)
        self.assertRegex(done.stdout, r"(?m)^REJECTED +1$")
        self.assertRegex(done.stdout, r"(?m)^config\.bytes_max +1KiB +configured$")
        self.assertIn("\ntaken\n", done.stdout)
        self.assertRegex(done.stdout, r"size-guard +demo\.size-guard +1\.0\.0 +started")

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
