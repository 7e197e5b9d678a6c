"""The gate itself: the headers as they are pass, what may change passes, and each planted break is named."""
import pathlib
import re
import shutil
import tempfile
import unittest

import abi_gate

STORAGE, STATUS = "ion/abi/contract/storage.h", "ion/abi/status.h"


class AbiGate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.headers = pathlib.Path(self.folder.name) / "include"
        shutil.copytree(abi_gate.HEADERS, self.headers)

    def change(self, file, old, new):
        path = self.headers / file
        text = path.read_text()
        self.assertEqual(text.count(old), 1, f"{file}: {old}")
        path.write_text(text.replace(old, new))

    def failures(self):
        return "\n".join(abi_gate.failures_of(self.headers))

    def breaks(self, file, old, new, *named):
        self.change(file, old, new)
        found = self.failures()
        for words in named:
            if not words.startswith("abidiff") or shutil.which("abidiff"):
                self.assertIn(words, found)

    def test_the_headers_of_today_are_what_is_stored(self):
        self.assertEqual(self.failures(), "")

    def test_every_type_of_the_headers_is_reached(self):
        text = "".join(p.read_text() for p in self.headers.rglob("*.h"))
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        abi = abi_gate.Abi(self.headers, 0)
        self.assertEqual(set(re.findall(r"typedef struct (ion_\w+)\s*\{", text)), set(abi.structs))
        self.assertEqual(set(re.findall(r"typedef enum (ion_\w+)\s*\{", text)), set(abi.enums))
        self.assertGreater(len(abi.structs), 50)

    def test_a_member_at_the_end_of_a_later_minor_and_another_enumerator_pass(self):
        self.change(STORAGE, "} ion_log_stat;", "#if ION_ABI_MINOR >= 1\n  uint64_t later;\n#endif\n} ion_log_stat;")
        self.change(STORAGE, "ION_LOG_FAILED = 4 }", "ION_LOG_FAILED = 4, ION_LOG_LATER = 8 }")
        self.assertEqual(self.failures(), "")

    def test_a_member_in_the_middle_is_named(self):
        self.breaks(STORAGE, "  ion_offset durable; ", "  uint64_t between;\n  ion_offset durable; ", "struct ion_log_stat sized: member 4 was `durable: ion_offset`",
                    "ion_log_stat.durable: lies elsewhere", "abidiff ends with 4")

    def test_a_changed_signature_is_named(self):
        self.breaks(STORAGE, "ION_OP(SHARD, sync, ion_log* l, ion_offset upto)", "ION_OP(SHARD, sync, ion_log* l, ion_offset upto, uint32_t flags)",
                    "struct ion_storage sized: member 6 was `sync: SHARD", "abidiff ends with 4")

    def test_a_tighter_thread_word_is_named(self):
        self.breaks(STORAGE, "ION_OP(ANY, read,", "ION_OP(SHARD, read,", "member 5 was `read: ANY", "is `read: SHARD")

    def test_a_grown_frozen_struct_is_named(self):
        self.breaks("ion/abi/types.h", "ion_bytes key, value; } ion_field;", "ion_bytes key, value; uint64_t flags; } ion_field;",
                    "struct ion_field frozen: got `flags`, and it is frozen", "ion_field: lies elsewhere or has another size", "abidiff ends with 4")

    def test_a_renumbered_enumerator_and_one_that_is_gone_are_named(self):
        self.breaks(STORAGE, "ION_LOG_DAMAGED = 2, ION_LOG_FAILED = 4", "ION_LOG_DAMAGED = 4, ION_LOG_GONE = 8", "ION_LOG_DAMAGED was 2, is 4",
                    "ION_LOG_FAILED was 4, is None", "abidiff ends with")

    def test_a_member_that_is_gone_and_a_struct_that_is_gone_are_named(self):
        self.change("ion/abi/host/random.h", "typedef struct ion_random {", "typedef struct ion_chance {")
        self.change("ion/abi/host/random.h", "} ion_random;", "} ion_chance;")
        self.assertIn("struct ion_random sized: is gone", self.failures())


if __name__ == "__main__":
    unittest.main()
