"""The negative control of the rules: each planted fault must be named by file, line and rule, alone; the clean twin must pass.

Faults that are text stand in planted/faults; those that need a compiler or thousands of lines are made here, in a temporary folder.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLANTED = HERE / "planted"
FAILURE = re.compile(r"^(\S+):(\d+): rule (\d+): .*; instead: \S", re.M)
CORE = "kernel/partition/core/window.cpp"


def run(script, root, *more):
    """(exit code, [(file, line, rule)], whole output)"""
    done = subprocess.run([sys.executable, "-B", HERE / script, "--root", root, *more], capture_output=True, text=True)
    return done.returncode, [(f, int(n), int(rule)) for f, n, rule in FAILURE.findall(done.stdout)], done.stdout + done.stderr


class Planted(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ion-planted-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tree"
        shutil.copytree(PLANTED / "clean", self.root)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def names(self, script, expected, *more):
        """The script must fail and name what was expected, and nothing else."""
        code, found, output = run(script, self.root, *more)
        self.assertEqual((code, found), (1, expected), output)

    def passes(self, script, *more):
        code, found, output = run(script, self.root, *more)
        self.assertEqual((code, found), (0, []), output)


class FaultsThatAreText(Planted):
    def test_the_clean_twin_passes(self):
        for script in ("includes_test.py", "forbidden_words_test.py", "sizes_test.py", "dead_files_test.py"):
            with self.subTest(script):
                self.passes(script)

    def test_every_folder_of_faults_is_listed(self):
        self.assertEqual(sorted(p.name for p in (PLANTED / "faults").iterdir()), sorted(fault for fault, _ in listed()))

    def test_each_fault_is_named(self):
        for fault, script in listed():
            with self.subTest(fault):
                shutil.rmtree(self.root)
                shutil.copytree(PLANTED / "clean", self.root)
                shutil.copytree(PLANTED / "faults" / fault, self.root, dirs_exist_ok=True)
                rule = int(re.match(r"rule(\d+)_", fault).group(1))
                self.names(script, [(file, line, rule) for file, line in marked(PLANTED / "faults" / fault)])


def listed():
    lines = (PLANTED / "faults.txt").read_text().splitlines()
    return [tuple(line.split()) for line in lines if line and not line.startswith("#")]


def marked(folder):
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if "FAULT" in line:
                yield file.relative_to(folder).as_posix(), number


class Sizes(Planted):
    def test_rule_7_file_of_501_lines(self):
        self.write("cli/main.cpp", "// line\n" * 500)
        self.passes("sizes_test.py")
        self.write("cli/main.cpp", "// line\n" * 501)
        self.names("sizes_test.py", [("cli/main.cpp", 501, 7)])

    def test_rule_7_abi_header_of_151_lines(self):
        path = "sdk/plugin/abi/include/ion/abi/types.h"
        self.write(path, "/* line */\n" * 150)
        self.passes("sizes_test.py")
        self.write(path, "/* line */\n" * 151)
        self.names("sizes_test.py", [(path, 151, 7)])

    def test_rule_7_bridge_of_201_lines(self):
        path = "sdk/plugin/cpp/include/ion/bridge/demo_bridge.h"
        self.write(path, "// line\n" * 200)
        self.passes("sizes_test.py")
        self.write(path, "// line\n" * 201)
        self.names("sizes_test.py", [(path, 201, 7)])

    def test_rule_7_function_of_71_lines(self):
        heads = {
            "a plain function": "int long_one() {",
            "a method after a constructor with members in braces": "struct S {\n  S() : a_{1}, b_{2} {}\n  int a_, b_;\n};\nint S::f() {",
            "a constructor": "S::S(int a)\n    : a_{a}, b_(2), c_{f(3)} {",
            "a template": "template <class T, class U = std::vector<T>>\nauto f(T&& t) -> std::vector<U> {",
            "a lambda at namespace level": "constexpr auto f = [](int n) {",
            "a function that returns a struct": "struct stat look(int n) noexcept {",
            "an operator": "bool S::operator()(int a, int b) const {",
        }
        for what, head in heads.items():
            for lines, most in ((70, True), (71, False)):
                with self.subTest(what, lines=lines):
                    before = "" if "struct S {" not in head else head[:head.rindex("\n") + 1]
                    last = head[len(before):]
                    # Braces in texts and comments must not confuse the count.
                    body = "".join('  use("}");  // {\n' for _ in range(lines - 1 - len(last.splitlines())))
                    self.write("cli/main.cpp", f"namespace ion {{\n{before}{last}\n{body}}}\n}}\n")
                    first = 2 + before.count("\n")
                    if most:
                        self.passes("sizes_test.py")
                    else:
                        self.names("sizes_test.py", [("cli/main.cpp", first, 7)])

    def test_rule_7_a_long_class_or_table_is_no_function(self):
        members = "  int f(int n) { return n; }\n" * 100
        rows = "  {1, f(2)},\n" * 100
        self.write("cli/main.cpp", f"class Wide final : public Base<void(int)> {{\n{members}}};\nconst Row kRows[] = {{\n{rows}}};\n")
        self.passes("sizes_test.py")

    def test_rule_8_module_of_5001_lines(self):
        for n in range(10):
            self.write(f"kernel/group/many_{n}.h", "// line\n" * 490)
        self.write("kernel/group/last.h", "// line\n" * 100)
        self.passes("sizes_test.py")
        self.write("kernel/group/last.h", "// line\n" * 101)
        self.names("sizes_test.py", [("kernel/group", 1, 8)])

    def test_rule_8_kernel_of_26001_lines(self):
        for n in range(52):
            self.write(f"kernel/module_{n % 6}/many_{n}.h", "// line\n" * 490)
        have = sum(len(p.read_text().splitlines()) for p in (self.root / "kernel").rglob("*") if p.suffix in (".h", ".cpp"))
        self.write("kernel/module_6/last.h", "// line\n" * (26000 - have))
        self.passes("sizes_test.py")
        self.write("kernel/module_6/last.h", "// line\n" * (26001 - have))
        self.names("sizes_test.py", [("kernel", 1, 8)])

    def test_rule_8_module_with_six_public_headers(self):
        folder = self.root.parent / "rules"
        folder.mkdir()
        for file in HERE.glob("*.txt"):
            shutil.copy(file, folder)
        rules = folder / "include_rules.txt"
        rules.write_text("public partition a.h b.h c.h d.h e.h\n")
        self.passes("sizes_test.py", "--rules", folder)
        rules.write_text("public partition a.h b.h c.h d.h e.h f.h\n")
        self.names("sizes_test.py", [("tests/architecture/include_rules.txt", 1, 8)], "--rules", folder)


class Additions(Planted):
    VERBS = "sdk/plugin/abi/include/ion/abi/host/broker_verbs.h"
    HANDLER = '{.method = "/demo.Demo/DemoVerb", .label = "demo_verb", .asks = kVerbs<Verb::demo_verb>, .make = make_call<Demo>},\n'

    def plant_verb(self, more):
        self.write(self.VERBS, "#define V(X) \\\n  X(demo_verb, ion_demo_req, ion_demo_answer, READ, TOPIC, SAFE, SERVING)\n")
        self.write("plugins/demo/io/verbs/demo.cpp", self.HANDLER)
        self.write("sdk/plugin/abi/include/ion/abi/host/demo.h", "typedef struct ion_demo_req { int size; } ion_demo_req;\n")
        self.write("proto/demo.proto", "message DemoVerbRequest {}\n")
        for n in range(more):
            self.write(f"cli/named_{n}.cpp", "void f() { demo_verb(); }\n")

    def test_rule_18_verb_in_nine_files(self):
        self.plant_verb(more=4)
        self.passes("verb_count_test.py")
        self.plant_verb(more=5)
        self.names("verb_count_test.py", [(self.VERBS, 1, 18)])

    def test_rule_18_verb_that_no_rpc_asks(self):
        self.plant_verb(more=0)
        self.write("plugins/demo/io/verbs/demo.cpp", self.HANDLER.replace("Verb::demo_verb", "Verb::other"))
        self.names("verb_count_test.py", [(self.VERBS, 1, 18)])

    def test_rule_18_metric_in_two_files(self):
        self.write("plugins/demo/demo_metrics.h", 'const char* name = "ionstream_demo_total";\n')
        self.passes("row_count_test.py")
        self.write("plugins/demo/io/second.cpp", '\nconst char* name = "ionstream_demo_total";\n')
        self.names("row_count_test.py", [("plugins/demo/io/second.cpp", 2, 18)])


class Compiled(Planted):
    """Faults that only a compiler or linker makes visible."""

    def setUp(self):
        super().setUp()
        self.build = self.root.parent / "build"
        (self.build / "plugins").mkdir(parents=True)

    def plugin(self, text, *flags, name="demo"):
        source = self.build / "source.cpp"
        source.write_text('#include <stdint.h>\n' + text)
        subprocess.run(["g++", "-shared", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-O1", source, "-o",
                        self.build / f"plugins/ionstream-plugin-{name}.so", *flags], check=True)

    ENTRY = '\nextern "C" __attribute__((visibility("default"))) const void* ion_plugin_entry_v1(const void* p) { return p; }\n'
    NAMED = [("plugins/ionstream-plugin-demo.so", 1, 6)]

    def check_plugin(self, expected, text, *flags):
        self.plugin(text, *flags)
        if expected:
            self.names("plugin_binary_test.py", self.NAMED * expected, "--build", self.build)
        else:
            self.passes("plugin_binary_test.py", "--build", self.build)

    def test_rule_6_a_clean_plugin_passes(self):
        self.check_plugin(0, self.ENTRY + 'namespace ion { const char* const kNames[] = {"a", "b"};\n'
                          "const void* names() { return kNames; }\nnamespace { constexpr int kTable[] = {1, 2}; }\n"
                          "int at(int n) { return kTable[n]; } }\nnamespace other { int of_a_library; }")

    def test_rule_6_second_export(self):
        self.check_plugin(1, self.ENTRY + 'extern "C" __attribute__((visibility("default"))) void leaked() {}')

    def test_rule_6_no_entry(self):
        self.check_plugin(1, "int nothing() { return 1; }")

    def test_rule_6_a_global_that_is_listed_for_another_plugin_is_none_of_this_one(self):
        self.check_plugin(1, self.ENTRY + "namespace ion::transport_grpc { namespace { int process_wide_log_receiver; } int next() { return ++process_wide_log_receiver; } }")

    def test_rule_6_writable_global(self):
        for what, text in {
                "in .bss": "namespace ion::demo { int count; }",
                "in .data, unnamed namespace": "namespace ion { namespace { volatile int count = 3; } int next() { return ++count; } }",
                "local static": "namespace ion { int next() { static int last = 1; return ++last; } }",
                "thread_local": "namespace ion { thread_local int mine; }",
                "file static": "static volatile int mine = 4; int use() { return mine; }",
        }.items():
            with self.subTest(what):
                self.check_plugin(1, self.ENTRY + text)

    def test_rule_6_search_path(self):
        self.check_plugin(1, self.ENTRY, "-Wl,-rpath,/opt/somewhere")

    def test_rule_6_library_that_is_not_allowed(self):
        self.check_plugin(1, self.ENTRY, "-Wl,--no-as-needed", "-lresolv")

    def test_rule_6_plugin_that_was_not_built(self):
        self.names("plugin_binary_test.py", self.NAMED, "--build", self.build, "--expect", "ionstream-plugin-demo.so")

    def compile_core(self, text):
        self.write(CORE, text)
        output = self.build / "window.o"
        subprocess.run(["g++", "-std=c++20", "-c", "-O1", self.root / CORE, "-o", output], check=True)
        command = f'[{{"directory": "{self.build}", "file": "{self.root / CORE}", "command": "g++ -o window.o -c x"}}]'
        (self.build / "compile_commands.json").write_text(command)

    def test_rule_3_symbols(self):
        self.compile_core("#include <memory>\nint f(int n) { return n + (std::make_shared<int>(1) != nullptr); }\n")
        self.passes("object_symbols_test.py", "--build", self.build)
        for what, text in {
                "a clock behind a macro": "#include <chrono>\n#define C steady##_clock\n#define G(a, b) a##b\n"
                                          "long f() { return std::chrono::G(steady, _clock)::now().time_since_epoch().count(); }\n",
                "a file by a plain name": '#include <fcntl.h>\nint f() { return open("x", 0); }\n',
                "a lock of the library": "#include <pthread.h>\nint f(pthread_mutex_t* m) { return pthread_mutex_lock(m); }\n",
                "state without the word static": "int counter;\n",
        }.items():
            with self.subTest(what):
                self.compile_core(text)
                self.names("object_symbols_test.py", [(CORE, 1, 3)], "--build", self.build)

    def test_rule_9_header_that_counts_on_others(self):
        self.write("CMakeLists.txt", f"""cmake_minimum_required(VERSION 3.25)
project(planted C CXX)
set(CMAKE_CXX_STANDARD 20)
foreach(name flags plugin_abi plugin_sdk)
  add_library(ion_${{name}} INTERFACE)
endforeach()
target_include_directories(ion_plugin_abi INTERFACE sdk/plugin/abi/include)
target_include_directories(ion_plugin_sdk INTERFACE sdk/plugin/abi/include sdk/plugin/cpp/include)
add_subdirectory({HERE}/headers headers)
""")
        folder = self.build / "cmake"
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["cmake", "-G", "Ninja", "-S", self.root, "-B", folder], **quiet)
        self.passes("headers_test.py", "--build", folder)
        self.write("kernel/cluster/metadata_view.h", "#pragma once\nstd::string name();\n")
        self.names("headers_test.py", [("kernel/cluster/metadata_view.h", 2, 9)], "--build", folder)


if __name__ == "__main__":
    unittest.main(verbosity=1)
