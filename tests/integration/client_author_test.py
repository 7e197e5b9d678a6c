"""A programmer outside the tree: an installed client, an empty folder, the commands of sdk/cpp/README.md as they stand there."""
import os
import subprocess
import unittest

from broker import BUILD, CALL_LIMIT_S, SOURCE, Folder, paste, readme_block


class ClientAuthor(unittest.TestCase):
    def test_an_example_from_an_empty_folder_builds_against_the_installed_client_and_produces_and_consumes(self):
        with Folder() as folder:
            prefix, home = folder / "installed", folder / "home"
            home.mkdir()
            subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], check=True, capture_output=True, timeout=CALL_LIMIT_S)
            for name in ("client", "producer", "reader", "admin"):
                self.assertTrue((prefix / "include" / "ion" / "client" / f"{name}.h").exists())
            environment = dict(os.environ, CMAKE_PREFIX_PATH=str(prefix), PATH=f"{prefix}/bin:/usr/bin:/bin", HOME=str(home))
            done = paste(readme_block("sdk/cpp/README.md"), home, environment)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"(?s)sent to greetings\[\d\]@0\nhello\n")

    def test_the_example_of_the_readme_is_the_one_that_is_built(self):
        text = (SOURCE / "sdk" / "cpp" / "README.md").read_text()
        about, program = (SOURCE / "sdk" / "cpp" / "examples" / "hello.cpp").read_text().split("\n", 1)
        self.assertTrue(about.startswith("//"))
        self.assertIn("```cpp\n" + program + "```", text)


if __name__ == "__main__":
    unittest.main()
