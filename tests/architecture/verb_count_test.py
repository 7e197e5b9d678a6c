"""Rule 18, verbs: a verb of the broker API is one row, and all the way from the protos to the command line at most eight files name it.

With a build the row is tried: one is added to a copy of the list, and the contract, the bridge, the gate, the null broker and the
metrics must compile with a row that none of their files names. The function itself is missed by the linker."""
import json
import pathlib
import re
import shlex
import subprocess
import tempfile

from rules_lib import Tree, code_only, matches

VERBS = "sdk/plugin/abi/include/ion/abi/host/broker_verbs.h"
RPCS = "plugins/*/io/verbs/*.cpp"
FILES_MAX = 8  # hand-written files that name one verb
WHOLE_WAY = tuple(f"{top}/**{end}" for top in ("proto", "sdk", "kernel", "plugins", "cli") for end in (".proto", ".h", ".cpp", "CMakeLists.txt", ".cmake"))
# They name a verb because they treat it in their own way, or because they use it for something else; a new verb works without them.
BY_CHOICE = ("kernel/api/null_broker.*", "cli/bench/**", "cli/commands/bench.cpp", "sdk/cpp/core/**", "sdk/cpp/examples/**",
             "sdk/cpp/src/reader_session.*", "sdk/cpp/src/producer_session.*", "sdk/cpp/src/admin/offsets.h", "cli/commands/consume.cpp")
# Files of the way that ask a verb for an answer of their own.
USERS = {"offset_for": ("sdk/cpp/src/admin/trim.cpp",),
         "topic_describe": ("plugins/transport-grpc/io/verbs/offsets.cpp",),
         "cluster_info": ("sdk/cpp/src/client.cpp", "plugins/transport-grpc/io/verbs/health.cpp")}
# Words of their own, which many comments and names use; and what only clients ask, without a command.
LEFT_OUT = ("produce", "fetch", "metadata", "partition_of", "init_producer")

PROBE = """
#include "api/api_gate.h"
#include "api/null_broker.h"
#include "api/verb_metrics.h"
#include <ion/bridge/broker_api_bridge.h>
using namespace ion;
static_assert(row_of(Verb::added_by_a_test).access == ION_ACCESS_ALTER && !row_of(Verb::added_by_a_test).repeat_safe);
static_assert(VerbTraits<Verb::added_by_a_test>::kOffset + sizeof(void*) == sizeof(ion_broker_api), "a new verb is the table's end");
Answer ask(BrokerApi& api, Op& op, const ion_topic_req& r, ion_admin_answer& a) { return api.added_by_a_test(op, r, a); }
ImportedBrokerApi imported({&export_broker_api, nullptr});
api::ApiGate gate;
api::NullBroker null_broker;
"""


def rows(text):
    """[(verb, request struct, answer struct)]"""
    return re.findall(r"^  X\((\w+), (\w+), (\w+), \w+, \w+, \w+, \w+\)", text, re.M)


def names(tree):
    """{verb: the words that name it on its way}: of the RPCs that ask it first, and of the verb itself."""
    found = {}
    for _, text in tree.files(RPCS):
        for row in re.findall(r"\{\s*\.method.*?\.make", text, re.S):
            method, label = re.search(r'\.method = "[^"]*/(\w+)"', row), re.search(r'\.label = "(\w+)"', row)
            asks = re.search(r"kVerbs<Verb::(\w+)", row)
            if method and label and asks and "/grpc." not in method[0]:  # health uses a verb and stands for none
                found.setdefault(asks[1], set()).update({method[1], label[1]})
    return {verb: words | {verb} for verb, words in found.items()}


def compiler_and_flags(tree):
    """Of a file of the api module: what finds headers and language, not what makes objects."""
    with open(tree.build / "compile_commands.json", encoding="utf-8") as f:
        words = next(shlex.split(e["command"]) for e in json.load(f) if e["file"].endswith("kernel/api/null_broker.cpp"))
    compiler, flags = [w for w in words if not w.startswith("-") and not w.endswith("ccache")][0], []
    for at, word in enumerate(words):
        if word == "-isystem":
            flags += [word, words[at + 1]]
        elif word.startswith(("-I", "-std", "-D", "-isystem")):
            flags.append(word)
    return compiler, flags


def probe_fails(tree, with_row):
    """What the compiler says of the probe; empty: it compiles."""
    compiler, flags = compiler_and_flags(tree)
    with tempfile.TemporaryDirectory() as folder:
        probe = pathlib.Path(folder) / "probe.cpp"
        probe.write_text(PROBE, encoding="utf-8")
        target = pathlib.Path(folder) / "ion/abi/host/broker_verbs.h"
        target.parent.mkdir(parents=True)
        text = (tree.root / VERBS).read_text(encoding="utf-8")
        if with_row:
            text = re.sub(r"(#define ION_BROKER_VERBS\(X\) *\\\n(?:  X\([^\n]*\\\n)*  X\([^\n]*\))\n",
                          r"\1 \\\n  X(added_by_a_test, ion_topic_req, ion_admin_answer, ALTER, TOPIC, UNSAFE, SERVING)\n", text)
        target.write_text(text, encoding="utf-8")
        done = subprocess.run([compiler, f"-I{folder}", *flags, "-fsyntax-only", str(probe)], capture_output=True, text=True, timeout=100)
        return done.stderr[:2000] or "an error without text" if done.returncode else ""


def try_a_row(tree):
    if wrong := probe_fails(tree, with_row=True):
        tree.fail(VERBS, 1, 18, f"a row alone does not compile: {wrong}", "make the code from ION_BROKER_VERBS instead of naming verbs")
    if not probe_fails(tree, with_row=False):
        tree.fail(VERBS, 1, 18, "the probe compiles without its row, so it proves nothing", "let the probe name the added verb")


def main():
    tree = Tree(__doc__)
    verbs = [row for row in rows((tree.root / VERBS).read_text(encoding="utf-8")) if row[0] not in LEFT_OUT]
    words = names(tree)
    if not verbs:
        tree.fail(VERBS, 1, 18, "no row was found, so nothing was counted", "keep the form X(name, request, answer, ...)")
    if tree.build is not None:
        try_a_row(tree)

    sources = [(path, body) for path, body in tree.files(*WHOLE_WAY) if not matches(path, BY_CHOICE)]
    for verb, *structs in verbs:
        if verb not in words:
            tree.fail(VERBS, 1, 18, f"no RPC asks {verb} first", "give it a row in " + RPCS)
            continue
        # Kernel and ABI know a verb by its own name; `create_topic` there is what the cluster does, not the way of the request.
        inside = re.compile(rf"(?<!\w){verb}(?!\w)|}} (?:{'|'.join(structs)});")
        outside = re.compile(rf"(?<![a-z_])(?:{'|'.join(sorted(words[verb]))})(?:Request|Response)?(?![A-Za-z_])")
        files = sorted(path for path, body in sources if path not in USERS.get(verb, ()) and
                       (inside if path.startswith(("kernel/", "sdk/plugin/")) else outside).search(code_only(body, keep_strings=True)))
        if len(files) > FILES_MAX:
            tree.fail(VERBS, 1, 18, f"{verb} is named in {len(files)} files, at most {FILES_MAX}: {', '.join(files)}", "derive it from its row")
    tree.finish("18 (a verb is one row, few files)")


if __name__ == "__main__":
    main()
