"""What messages and pages name exists: every `ion COMMAND` answers --help, every key of the configuration is in a schema."""
import json
import re
import subprocess
import unittest

from broker import BUILD, ION, IONSTREAMD, SOURCE

FOLDERS = ("kernel", "plugins", "sdk", "cli", "proto", "conf", "scripts", "findings", "tests/bench", ".ci")
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
CODE, TEXT = {".h", ".cpp"}, {".md", ".txt", ".jsonc", ".json", ".sh", ".proto", ".py", ""}
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def files(endings):
    for folder in FOLDERS:
        for path in sorted((SOURCE / folder).rglob("*")):
            if path.is_file() and path.suffix in endings and "__pycache__" not in path.parts:
                yield path
    if ".md" in endings:
        for page in PAGES:
            yield SOURCE / page


def texts(comments):
    """(file, text): a page as a whole, of code its strings, and its comments if they are wanted."""
    for path in files(TEXT):
        yield path, path.read_text(errors="replace")
    for path in files(CODE):
        lines = path.read_text(errors="replace").splitlines()
        for line in lines:
            for literal in LITERAL.findall(line):
                yield path, literal
            if comments and "//" in line:
                yield path, line[line.index("//"):]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


class Names(unittest.TestCase):
    def test_every_command_that_is_named_exists(self):
        listed = [line.split() for line in run(ION, "--help").stdout.split("commands\n")[1].split("\n\n")[0].splitlines()]
        areas = {words[0] for words in listed if words[1].islower() and words[1].isalpha() or "-" in words[1]}
        named = {}
        for path, text in texts(comments=True):
            for first, second in re.findall(r"(?<![\w./-])ion (%s) ([a-z][a-z-]*)" % "|".join(sorted(areas)), text):
                named.setdefault((first, second), path)
            for first in re.findall(r"`ion ([a-z][a-z-]*)", text):
                named.setdefault((first,), path)
        self.assertGreater(len(named), 5, "the search finds what is named at all")
        for words, path in sorted(named.items()):
            with self.subTest(command="ion " + " ".join(words), file=str(path.relative_to(SOURCE))):
                self.assertEqual(run(ION, *words, "--help").returncode, 0)
                self.assertIn(" ".join(words), run(ION, *words, "--help").stdout)

    def test_every_key_that_is_named_exists(self):
        schema = json.loads(run(IONSTREAMD, "--print-schema").stdout)["properties"]
        plugins = {}
        for file in (BUILD / "plugins").glob("ionstream-plugin-*.so"):
            about = json.loads(run(ION, "--format", "json", "plugin", "inspect", file).stdout)
            own = json.loads(about["schema"]) if about["schema"] else {}
            plugins[file.stem.removeprefix("ionstream-plugin-")] = set(own.get("properties", {}))
        sections = {name: set(about.get("properties", {})) for name, about in schema.items() if name != "plugins" and "properties" in about}
        self.assertGreater(len(sections), 3)
        seen = 0
        for path, text in texts(comments=False):
            for section, key in re.findall(r"(?<![\w./\"\]-])(%s)\.([a-z][a-z0-9_]*)(?![\w(/])" % "|".join(sorted(sections)), text):
                if key in ("h", "cpp", "md", "py", "c", "jsonc", "json", "log", "txt", "so", "proto"):
                    continue
                seen += 1
                with self.subTest(key=f"{section}.{key}", file=str(path.relative_to(SOURCE))):
                    self.assertIn(key, sections[section])
            for plugin, key in re.findall(r"plugins\.([a-z][a-z-]*)\.config\.([a-z][a-z0-9_]*)", text):
                if plugin in plugins:
                    seen += 1
                    with self.subTest(key=f"plugins.{plugin}.config.{key}", file=str(path.relative_to(SOURCE))):
                        self.assertIn(key, plugins[plugin])
        self.assertGreater(seen, 10, "the search finds what is named at all")


if __name__ == "__main__":
    unittest.main()
