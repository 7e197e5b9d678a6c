"""Laws 1, 2 and 3 for includes: left or down and through a door; generated headers only in codecs; cores include only what is pure."""
import os
import re

from house_lib import House, includes, line_of, matches, rules

CODE = ("kernel/**.h", "kernel/**.cpp", "plugins/**.h", "plugins/**.cpp", "sdk/**.h", "sdk/**.cpp", "cli/**.h", "cli/**.cpp")
GROUND = ("sdk/plugin/abi/include", "sdk/plugin/cpp/include")


class Rules:
    def __init__(self):
        self.left, self.doors, self.open = {}, {}, set()
        self.words = {"core-std": [], "core-refuses": [], "ground-libraries": [], "generated": []}
        for number, line in rules("include_rules.txt"):
            word, *rest = line.split()
            if word == "room":
                self.left[rest[0]] = set(rest[1:])
            elif word == "open":
                self.open |= set(rest)
            elif word == "door":
                self.doors[rest[0]] = rest[1:]
            elif word in self.words:
                self.words[word] += rest
            else:
                raise SystemExit(f"include_rules.txt:{number}: unknown word {word}")


class Includes:
    def __init__(self, house):
        self.house, self.rules = house, Rules()
        self.have = set(house.paths())

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
        """Law 2. True if the include is a generated header, allowed or not."""
        if not target.endswith(".pb.h"):
            return False
        if not matches(path, self.rules.words["generated"]):
            self.house.fail(path, line, 2, f"includes the generated {target}",
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

    def from_kernel(self, path, line, mark, target, room):
        found = self.resolve(path, mark, target)
        if found is None:
            if mark == '"' or target.startswith("ion/"):
                self.house.fail(path, line, 1, f"includes {target}, which is no file of kernel/ and not of the ground floor",
                                'write "room/header.h" for the kernel and <ion/header.h> for sdk/plugin')
        elif found.startswith("kernel/"):
            self.between_rooms(path, line, found, room)
        elif not found.startswith(GROUND):
            self.house.fail(path, line, 1, f"the kernel includes {found}",
                            "meet it through a contract: <ion/contract/...>; the kernel knows no plugin and no client")
        if "/core/" in path:
            own = f"kernel/{room}/core/"
            self.from_core(path, line, target, found, lambda f: f.startswith(own) or "/core/" in f)

    def between_rooms(self, path, line, found, room):
        parts = found.split("/")
        if room is None or (len(parts) > 2 and parts[1] == room):
            return
        other, header = (parts[1], "/".join(parts[2:])) if len(parts) > 2 else (None, parts[1])
        if other is None:
            self.house.fail(path, line, 1, f"room {room} includes {found}, which lies to the right of all rooms",
                            "let kernel.cpp hand over what is needed")
        elif room not in self.rules.left or other not in self.rules.left:
            unknown = room if room not in self.rules.left else other
            self.house.fail(path, line, 1, f"{unknown} is no room of include_rules.txt", "add it there, in its place from left to right")
        elif other not in self.rules.left[room]:
            self.house.fail(path, line, 1, f"room {room} includes {found}: {other} is to its right",
                            f"declare a port in {room} that {other} implements, and let kernel.cpp join them")
        elif other not in self.rules.open and header not in self.rules.doors.get(other, []):
            doors = " ".join(self.rules.doors.get(other, [])) or "none"
            self.house.fail(path, line, 1, f"room {room} includes {found}, which is no door of {other}", f"go through a door ({doors})")

    def from_plugin(self, path, line, mark, target, name):
        own = f"plugins/{name}/"
        found = self.resolve(path, mark, target)
        if found is None:
            if mark == '"' or target.startswith("ion/"):
                self.house.fail(path, line, 1, f"includes {target}, which is no file of {own} and not of the ground floor",
                                'write "core/header.h" for own files and <ion/header.h> for sdk/plugin')
        elif not found.startswith((own,) + GROUND):
            self.house.fail(path, line, 1, f"plugin {name} includes {found}",
                            "a plugin includes its own files and <ion/...>; it meets the kernel and other plugins by contracts")
        if "/core/" in path:
            self.from_core(path, line, target, found, lambda f: f.startswith(own + "core/"))

    def from_core(self, path, line, target, found, is_core):
        if found is not None and found.startswith(GROUND):
            if matches(target, self.rules.words["core-refuses"]):
                self.house.fail(path, line, 1, f"a core includes {target}, a door to the world",
                                "take values and `now` as arguments; the driver beside core/ talks to the world")
        elif found is not None:
            if not is_core(found):
                self.house.fail(path, line, 1, f"a core includes {found}", "a core includes only core/, the SDK and pure standard headers")
        elif target not in self.rules.words["core-std"]:
            self.house.fail(path, line, 3, f"a core includes <{target}>",
                            "pure standard headers are listed in include_rules.txt (core-std); do this outside core/")

    def from_ground(self, path, line, mark, target):
        abi = path.startswith("sdk/plugin/abi/")
        found = self.resolve(path, mark, target)
        if found is not None:
            if not found.startswith(GROUND[:1] if abi else ("sdk/plugin/",)):
                self.house.fail(path, line, 1, f"the ground floor includes {found}", "it may include only itself; turn the dependency round")
        elif target.startswith("ion/") or mark == '"':
            self.house.fail(path, line, 1, f"includes {target}, which sdk/plugin does not have", "name a header of sdk/plugin")
        elif abi and not re.fullmatch(r"std(def|int|bool)\.h", target):
            self.house.fail(path, line, 1, f"an ABI header includes <{target}>", "only <ion/abi/...>, stddef.h, stdint.h, stdbool.h")
        elif path.startswith(GROUND[1]) and ("/" in target or target.endswith(".h")) and target not in self.rules.words["ground-libraries"]:
            self.house.fail(path, line, 1, f"the ground floor includes <{target}>",
                            "the ground floor stands on the ABI and the standard library (ground-libraries in include_rules.txt)")

    def from_client(self, path, line, mark, target):
        found = self.resolve(path, mark, target)
        if found is not None and found.startswith(("kernel/", "plugins/")):
            self.house.fail(path, line, 1, f"a client includes {found}",
                            "sdk/cpp and cli stand on proto/ and the ground floor <ion/...>, never on kernel or plugins")
        elif "/core/" in path:
            self.from_core(path, line, target, found, lambda f: "/core/" in f or f.startswith("sdk/cpp/include/"))

    def check_links(self, path, text):
        """The same law for link lines, and law 2 for who compiles generated code."""
        text = re.sub(r"#[^\n]*", lambda m: " " * len(m.group(0)), text)
        text = re.sub(r"add_dependencies\([^)]*\)", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
        kind, name = (self.zone(path) + (None,))[:2]
        for m in re.finditer(r"\bion_kernel_([a-z_]+)|\b(?:ionstream-plugin|ion_plugin_core)[-_]([a-z][a-z0-9-]*)", text):
            room, plugin = m.groups()
            wrong = kind != "kernel" if room else kind != "plugin" or plugin != name
            if room and kind == "kernel" and name in self.rules.left and room != name and room in self.rules.left:
                wrong = room not in self.rules.left[name]
            if wrong:
                self.house.fail(path, line_of(text, m.start()), 1, f"links {m.group(0)}", "link only what this floor may include")
        if kind == "kernel" and name in self.rules.left:
            for m in re.finditer(r"\bDEPENDS\s+((?:[a-z_]+\s*)+)", text):
                for room in m.group(1).split():
                    if room in self.rules.left and room not in self.rules.left[name]:
                        self.house.fail(path, line_of(text, m.start()), 1, f"room {name} depends on {room}, which is to its right",
                                        "turn the dependency round by a port")

    def check_generated_sources(self, path, text):
        if path.startswith("proto/"):
            return
        text = re.sub(r"#[^\n]*", "", text)
        for m in re.finditer(r"\.pb\.cc\b|\bprotobuf_generate|--cpp_out|--grpc_out", text):
            self.house.fail(path, line_of(text, m.start()), 2, f"compiles generated code ({m.group(0)})",
                            "link ionproto: libionproto.so is the only place; a second copy aborts at load")


def main():
    house = House(__doc__)
    house.one_per_line = True
    law = Includes(house)
    for path, text in house.files(*CODE):
        law.check(path, text)
    for path, text in house.files("kernel/**CMakeLists.txt", "plugins/**CMakeLists.txt", "sdk/**CMakeLists.txt", "cli/**CMakeLists.txt"):
        law.check_links(path, text)
    for path, text in house.files("**CMakeLists.txt", "**.cmake"):
        law.check_generated_sources(path, text)
    house.finish("1, 2, 3 (includes)")


if __name__ == "__main__":
    main()
