"""A plugin author outside the tree: an installed SDK, an empty folder, the commands of sdk/plugin/README.md as they stand there."""
import json
import os
import re
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

    def test_the_second_block_leads_to_a_storage_and_a_router_in_the_place_of_ours(self):
        done = paste(readme_block("sdk/plugin/README.md", 1), self.home, self.environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('"value":"hello"', done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ram-store +demo\.ram-store +1\.0\.0 +started +ion\.storage/1")
        self.assertRegex(done.stdout, r"(?m)^by-tenant +demo\.by-tenant +1\.0\.0 +started +ion\.router/1")
        self.assertNotIn("ion.storage-mmap", done.stdout)

    def test_the_commands_that_it_prints_build_and_load_each_kind(self):
        for kind in ("interceptor", "router", "storage"):
            with self.subTest(kind):
                made = self.shell(f"ion plugin new printed-{kind} --kind {kind}", CMAKE_PREFIX_PATH="")
                self.assertEqual(made.returncode, 0, made.stderr)
                commands = re.findall(r"(?m)^  (.+)$", made.stdout)
                self.assertTrue(commands[-1].startswith("ionstreamd --dev "), commands)
                block = "\n".join(commands[:-1] + [commands[-1] + " &", "ion cluster info >/dev/null && ion plugin list", "kill %1"])
                done = paste("set -e\n" + block, self.home, dict(self.environment, CMAKE_PREFIX_PATH=""))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, rf"(?m)^printed-{kind} +demo\.printed-{kind} +1\.0\.0 +started")

    def test_a_program_that_the_shell_does_not_find_is_printed_with_its_path(self):
        made = self.shell(f"{self.prefix}/bin/ion --format json plugin new far --kind router", PATH="/usr/bin:/bin")
        self.assertEqual(made.returncode, 0, made.stderr)
        told = json.loads(made.stdout)
        self.assertTrue(told["next"][-1].startswith(f"{self.prefix}/bin/ionstreamd --dev"), told)
        self.assertEqual(sorted(told["files"]), ["far/.gitignore", "far/CMakeLists.txt", "far/README.md", "far/plugin.cpp"])
        for path in told["files"]:
            self.assertNotIn("template", (self.home / path).read_text(), path)

    def test_a_source_may_have_any_name_and_a_second_entry_is_named(self):
        plugin = self.home / "other"
        self.assertEqual(self.shell(f"ion plugin new other --kind interceptor && mv {plugin}/plugin.cpp {plugin}/my_rule.cpp").returncode, 0)
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

    def test_a_name_that_is_none_an_unknown_kind_and_a_folder_that_is_there_are_refused(self):
        (self.home / "taken").mkdir()
        (self.home / "taken" / "plugin.cpp").write_text("mine")
        (self.home / "link").symlink_to("nowhere")
        for words, code, told in (("", 2, "NAME"), ("x", 2, "interceptor, router or storage"), ("x --kind queue", 2, 'have "queue"'),
                                  ("Big_Name --kind router", 2, 'have "Big_Name"'), ("../up --kind router", 2, 'have "../up"'),
                                  ("two--dashes --kind router", 2, "single '-'"), ("end- --kind router", 2, 'have "end-"'),
                                  ("taken --kind router", 1, "EXISTS"), ("link --kind router", 1, "EXISTS")):
            done = self.shell(f"ion plugin new {words}")
            self.assertEqual(done.returncode, code, words + done.stderr)
            self.assertIn(told, done.stderr, words)
        self.assertEqual((self.home / "taken" / "plugin.cpp").read_text(), "mine")
        self.assertFalse((self.home / "x").exists())


if __name__ == "__main__":
    unittest.main()
