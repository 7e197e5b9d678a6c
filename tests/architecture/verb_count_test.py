"""A verb of the broker API is one row. This test adds one and counts: the contract, the bridge, the gate, the null broker and the
metrics must compile with a row that none of their files names, and what is left to write by hand stays a short list.

The kernel refuses a row without a path: the compiler names the function that is missing."""
import json
import pathlib
import re
import shlex
import subprocess
import tempfile

from rules_lib import Tree, code_only

VERBS = "sdk/plugin/abi/include/ion/abi/host/broker_verbs.h"
BROKER_SIDE = ("sdk/plugin/**.h", "kernel/**.h", "kernel/**.cpp", "plugins/transport-grpc/**.h", "plugins/transport-grpc/**.cpp")
FILES_MAX = 8  # hand-written files of the broker's side that name one verb
# They name a verb because they treat it in their own way; a new one works without them.
BY_CHOICE = ("kernel/api/null_broker.h", "kernel/api/null_broker.cpp")

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
    return re.findall(r"^  X\((\w+), \w+, \w+, \w+, \w+, \w+, \w+\)", text, re.M)


def rpc_name(verb):
    """The words of the RPC that serves a verb, as transports and their tables spell it."""
    swapped = {"topic_create": "CreateTopic", "topic_list": "ListTopics", "topic_describe": "DescribeTopic",
               "topic_delete": "DeleteTopic", "plugin_list": "ListPlugins"}
    return swapped.get(verb, "".join(part.capitalize() for part in verb.split("_")))


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


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
            text = re.sub(r"(  X\(cluster_info,[^\n]*\))\n", r"\1 \\\n  X(added_by_a_test, ion_topic_req, ion_admin_answer, ALTER, TOPIC, UNSAFE, SERVING)\n", text)
        target.write_text(text, encoding="utf-8")
        done = subprocess.run([compiler, f"-I{folder}", *flags, "-fsyntax-only", str(probe)], capture_output=True, text=True, timeout=100)
        return done.stderr[:2000] or "an error without text" if done.returncode else ""


def main():
    tree = Tree(__doc__)
    text = (tree.root / VERBS).read_text(encoding="utf-8")
    verbs = rows(text)
    assert len(verbs) >= 12, f"want the rows of {VERBS}, have {verbs}"

    if wrong := probe_fails(tree, with_row=True):
        tree.fail(VERBS, 1, "verbs", f"a row alone does not compile: {wrong}", "make the code from ION_BROKER_VERBS instead of naming verbs")
    if not probe_fails(tree, with_row=False):
        tree.fail(VERBS, 1, "verbs", "the probe compiles without its row, so it proves nothing", "let the probe name the added verb")

    sources = [(path, body) for path, body in tree.files(*BROKER_SIDE) if path not in BY_CHOICE]
    for verb in verbs:
        if verb in ("produce", "fetch", "metadata", "partition_of"):  # words of their own, in many comments and names
            continue
        rpc = rpc_name(verb)
        here, there = re.compile(rf"\b{verb}\b"), re.compile(rf"\b({verb}|k?{rpc}|(read_|write_)?{snake(rpc)})\b")
        files = sorted(path for path, body in sources if (there if path.startswith("plugins/") else here).search(code_only(body, keep_strings=True)))
        if len(files) > FILES_MAX:
            tree.fail(VERBS, 1, "verbs", f"{verb} is named in {len(files)} files of the broker's side, at most {FILES_MAX}: {', '.join(files)}",
                      "derive it from its row")
    tree.finish("verbs (one row, few files)")


if __name__ == "__main__":
    main()
