"""Rules 1, 2 and 3 for includes: left or down and through a public header; generated headers only in codecs; cores include only what is pure."""
import os
import re

from rules_lib import Tree, includes, line_of, matches, rules

CODE = ("kernel/**.h", "kernel/**.cpp", "plugins/**.h", "plugins/**.cpp", "sdk/**.h", "sdk/**.cpp", "cli/**.h", "cli/**.cpp")
GROUND = ("sdk/plugin/abi/include", "sdk/plugin/cpp/include")


class Rules:
    def __init__(self):
        self.left, self.public_headers, self.open = {}, {}, set()
        self.words = {"core-std": [], "core-refuses": [], "ground-libraries": [], "generated": []}
        for number, line in rules("include_rules.txt"):
            word, *rest = line.split()
            if word == "module":
                self.left[rest[0]] = set(rest[1:])
            elif word == "open":
                self.open |= set(rest)
            elif word == "public":
                self.public_headers[rest[0]] = rest[1:]
            elif word in self.words:
                self.words[word] += rest
            else:
                raise SystemExit(f"include_rules.txt:{number}: unknown word {word}")


class Includes:
    def __init__(self, tree):
        self.tree, self.rules = tree, Rules()
        self.have = set(tree.paths())

    def check(self, path, text):
        for line, mark, target in includes(text):
            if not self.generated(path, line, target):
                zone = self.zone(path)
                getattr(self, "from_" + zone[0])(path, line, mark, target, *zone[1:])

    def zone(self, path):
        parts = path.split("/")
        if parts[0] == "kernel":
            return ("kernel", parts[1] if len(parts) > 2 else None)
        if parts[0] == "plugins" and len(parts) > 2:
            return ("plugin", parts[1])
        if path.startswith("sdk/plugin/"):
            return ("ground",)
        return ("client",)

    def generated(self, path, line, target):
        """Rule 2. True if the include is a generated header, allowed or not."""
        if not target.endswith(".pb.h"):
            return False
        if not matches(path, self.rules.words["generated"]):
            self.tree.fail(path, line, 2, f"includes the generated {target}",
                            "turn bytes into our own structs in a *_codec.cpp, and include the header of that codec")
        return True

    def resolve(self, path, mark, target):
        """The file of the tree that a compiler would take, or None: beside the includer, kernel/, the plugin's folder, the SDK."""
        folder = os.path.dirname(path)
        tries = [f"{folder}/{target}"] if mark == '"' else []
        parts = path.split("/")
        if parts[0] == "plugins":
            tries.append(f"plugins/{parts[1]}/{target}")
        elif parts[0] == "cli":
            tries.append(f"cli/{target}")
        elif path.startswith("sdk/cpp/"):
            tries += [f"sdk/cpp/{target}", f"sdk/cpp/src/{target}"]
        tries += [f"sdk/cpp/include/{target}"] if parts[0] == "cli" or path.startswith("sdk/cpp/") else []
        tries += [f"{g}/{target}" for g in GROUND] + [f"kernel/{target}", f"plugins/{target}", target]
        return next((t for t in map(os.path.normpath, tries) if t in self.have), None)

    def from_kernel(self, path, line, mark, target, module):
        found = self.resolve(path, mark, target)
        if found is None:
            if mark == '"' or target.startswith("ion/"):
                self.tree.fail(path, line, 1, f"includes {target}, which is no file of kernel/ and not of the base layer",
                                'write "module/header.h" for the kernel and <ion/header.h> for sdk/plugin')
        elif found.startswith("kernel/"):
            self.between_modules(path, line, found, module)
        elif not found.startswith(GROUND):
            self.tree.fail(path, line, 1, f"the kernel includes {found}",
                            "meet it through a contract: <ion/contract/...>; the kernel knows no plugin and no client")
        if "/core/" in path:
            own = f"kernel/{module}/core/"
            self.from_core(path, line, target, found, lambda f: f.startswith(own) or "/core/" in f)

    def between_modules(self, path, line, found, module):
        parts = found.split("/")
        if module is None or (len(parts) > 2 and parts[1] == module):
            return
        other, header = (parts[1], "/".join(parts[2:])) if len(parts) > 2 else (None, parts[1])
        if other is None:
            self.tree.fail(path, line, 1, f"module {module} includes {found}, which lies to the right of all modules",
                            "let kernel.cpp hand over what is needed")
        elif module not in self.rules.left or other not in self.rules.left:
            unknown = module if module not in self.rules.left else other
            self.tree.fail(path, line, 1, f"{unknown} is no module of include_rules.txt", "add it there, in its place from left to right")
        elif other not in self.rules.left[module]:
            self.tree.fail(path, line, 1, f"module {module} includes {found}: {other} is to its right",
                            f"declare a port in {module} that {other} implements, and let kernel.cpp join them")
        elif other not in self.rules.open and header not in self.rules.public_headers.get(other, []):
            public_headers = " ".join(self.rules.public_headers.get(other, [])) or "none"
            self.tree.fail(path, line, 1, f"module {module} includes {found}, which is no public header of {other}", f"go through a public header ({public_headers})")

    def from_plugin(self, path, line, mark, target, name):
        own = f"plugins/{name}/"
        found = self.resolve(path, mark, target)
        if found is None:
            if mark == '"' or target.startswith("ion/"):
                self.tree.fail(path, line, 1, f"includes {target}, which is no file of {own} and not of the base layer",
                                'write "core/header.h" for own files and <ion/header.h> for sdk/plugin')
        elif not found.startswith((own,) + GROUND):
            self.tree.fail(path, line, 1, f"plugin {name} includes {found}",
                            "a plugin includes its own files and <ion/...>; it meets the kernel and other plugins by contracts")
        if "/core/" in path:
            self.from_core(path, line, target, found, lambda f: f.startswith(own + "core/"))

    def from_core(self, path, line, target, found, is_core):
        if found is not None and found.startswith(GROUND):
            if matches(target, self.rules.words["core-refuses"]):
                self.tree.fail(path, line, 1, f"a core includes {target}, a way to the world",
                                "take values and `now` as arguments; the driver beside core/ talks to the world")
        elif found is not None:
            if not is_core(found):
                self.tree.fail(path, line, 1, f"a core includes {found}", "a core includes only core/, the SDK and pure standard headers")
        elif target not in self.rules.words["core-std"]:
            self.tree.fail(path, line, 3, f"a core includes <{target}>",
                            "pure standard headers are listed in include_rules.txt (core-std); do this outside core/")

    def from_ground(self, path, line, mark, target):
        abi = path.startswith("sdk/plugin/abi/")
        found = self.resolve(path, mark, target)
        if found is not None:
            if not found.startswith(GROUND[:1] if abi else ("sdk/plugin/",)):
                self.tree.fail(path, line, 1, f"the base layer includes {found}", "it may include only itself; turn the dependency round")
        elif target.startswith("ion/") or mark == '"':
            self.tree.fail(path, line, 1, f"includes {target}, which sdk/plugin does not have", "name a header of sdk/plugin")
        elif abi and not re.fullmatch(r"std(def|int|bool)\.h", target):
            self.tree.fail(path, line, 1, f"an ABI header includes <{target}>", "only <ion/abi/...>, stddef.h, stdint.h, stdbool.h")
        elif path.startswith(GROUND[1]) and ("/" in target or target.endswith(".h")) and target not in self.rules.words["ground-libraries"]:
            self.tree.fail(path, line, 1, f"the base layer includes <{target}>",
                            "the base layer stands on the ABI and the standard library (ground-libraries in include_rules.txt)")

    def from_client(self, path, line, mark, target):
        found = self.resolve(path, mark, target)
        if found is not None and found.startswith(("kernel/", "plugins/")):
            self.tree.fail(path, line, 1, f"a client includes {found}",
                            "sdk/cpp and cli stand on proto/ and the base layer <ion/...>, never on kernel or plugins")
        elif "/core/" in path:
            self.from_core(path, line, target, found, lambda f: "/core/" in f or f.startswith("sdk/cpp/include/"))

    def check_links(self, path, text):
        """The same rule for link lines, and rule 2 for who compiles generated code."""
        text = re.sub(r"#[^\n]*", lambda m: " " * len(m.group(0)), text)
        text = re.sub(r"add_dependencies\([^)]*\)", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
        kind, name = (self.zone(path) + (None,))[:2]
        for m in re.finditer(r"\bion_kernel_([a-z_]+)|\b(?:ionstream-plugin|ion_plugin_core)[-_]([a-z][a-z0-9-]*)", text):
            module, plugin = m.groups()
            wrong = kind != "kernel" if module else kind != "plugin" or plugin != name
            if module and kind == "kernel" and name in self.rules.left and module != name and module in self.rules.left:
                wrong = module not in self.rules.left[name]
            if wrong:
                self.tree.fail(path, line_of(text, m.start()), 1, f"links {m.group(0)}", "link only what this layer may include")
        if kind == "kernel" and name in self.rules.left:
            for m in re.finditer(r"\bDEPENDS\s+((?:[a-z_]+\s*)+)", text):
                for neighbour in m.group(1).split():
                    if neighbour in self.rules.left and neighbour not in self.rules.left[name]:
                        self.tree.fail(path, line_of(text, m.start()), 1, f"module {name} depends on {module}, which is to its right",
                                        "turn the dependency round by a port")

    def check_generated_sources(self, path, text):
        if path.startswith("proto/"):
            return
        text = re.sub(r"#[^\n]*", "", text)
        for m in re.finditer(r"\.pb\.cc\b|\bprotobuf_generate|--cpp_out|--grpc_out", text):
            self.tree.fail(path, line_of(text, m.start()), 2, f"compiles generated code ({m.group(0)})",
                            "link ionproto: libionproto.so is the only place; a second copy aborts at load")


def main():
    tree = Tree(__doc__)
    tree.one_per_line = True
    rule = Includes(tree)
    for path, text in tree.files(*CODE):
        rule.check(path, text)
    for path, text in tree.files("kernel/**CMakeLists.txt", "plugins/**CMakeLists.txt", "sdk/**CMakeLists.txt", "cli/**CMakeLists.txt"):
        rule.check_links(path, text)
    for path, text in tree.files("**CMakeLists.txt", "**.cmake"):
        rule.check_generated_sources(path, text)
    tree.finish("1, 2, 3 (includes)")


if __name__ == "__main__":
    main()
