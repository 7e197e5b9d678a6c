// What a host promises itself of every plugin, whatever it provides: notes, symbols, and the life of an instance.
#include "conform/plugin_instance.h"
#include "host/plugin_manifest.h"

#include <cxxabi.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <time.h>

#include <cstring>
#include <regex>

namespace ion::conform {
namespace {

struct Symbol {
  std::string name;
  bool writable_variable = false, exported = false;
};
// The symbols that the file defines: of .symtab, and those of .dynsym that others can see.
std::vector<Symbol> symbols_of(const std::vector<uint8_t>& file) {
  std::vector<Symbol> found;
  const auto read = [&](uint64_t at, auto& to) {
    if (at + sizeof to > file.size()) throw std::runtime_error("the ELF file is shorter than its headers say");
    std::memcpy(&to, file.data() + at, sizeof to);
  };
  Elf64_Ehdr head{};
  read(0, head);
  std::vector<Elf64_Shdr> sections(head.e_shnum);
  for (size_t i = 0; i < sections.size(); ++i) read(head.e_shoff + i * sizeof(Elf64_Shdr), sections[i]);
  const auto text = [&](const Elf64_Shdr& table, uint64_t at) { return std::string(reinterpret_cast<const char*>(file.data() + table.sh_offset + at)); };
  for (const Elf64_Shdr& table : sections) {
    if (table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      read(table.sh_offset + at, symbol);
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= sections.size()) continue;
      Symbol one{text(sections[table.sh_link], symbol.st_name)};
      const Elf64_Shdr& in = sections[symbol.st_shndx];
      const int type = ELF64_ST_TYPE(symbol.st_info);
      const std::string section = text(sections[head.e_shstrndx], in.sh_name);
      const bool of_data = section.starts_with(".data") || section.starts_with(".bss") || section.starts_with(".tdata") || section.starts_with(".tbss");
      const bool relro = section.starts_with(".data.rel.ro");  // constant once it is loaded
      one.writable_variable = table.sh_type == SHT_SYMTAB && of_data && !relro && (type == STT_OBJECT || type == STT_TLS);
      one.exported = table.sh_type == SHT_DYNSYM && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL && type != STT_SECTION;
      found.push_back(std::move(one));
    }
  }
  return found;
}
std::string demangled(const std::string& name) {
  int status = 0;
  char* plain = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  const std::string text = status == 0 ? plain : name;
  std::free(plain);
  return text;
}
uint64_t cpu_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000 + static_cast<uint64_t>(t.tv_nsec) / 1'000'000;
}

TEST(Load, the_host_takes_the_file_and_its_notes) {
  const host::PluginFile& file = plugin_file();
  EXPECT_TRUE(host::check_version(file.notes).ok()) << host::check_version(file.notes).text();
  EXPECT_FALSE(file.notes.provides.empty()) << "it provides nothing";
}

TEST(Load, its_only_export_is_its_entry) {
  std::string exported;
  for (const Symbol& s : symbols_of(plugin_file().bytes))
    if (s.exported) exported += (exported.empty() ? "" : " ") + s.name;
  EXPECT_EQ(exported, std::string(ION_ENTRY_SYMBOL));
}

TEST(Load, it_has_no_variable_that_instances_would_share) {
  // Of the compiler, the linker and of libraries that are part of the file; and what its name says is meant for the process.
  static const std::regex of_others(R"(^(.*process_wide_|completed\.0|__cpu_model|__cpu_features2|__dso_handle|__TMC_END__|DW\.ref\.|std::|vtable|typeinfo|guard variable for std::|(guard variable for )?(re2|fmt|nlohmann|google|grpc|absl)::).*)");
  std::string shared;
  for (const Symbol& s : symbols_of(plugin_file().bytes))
    if (const std::string name = demangled(s.name); s.writable_variable && !std::regex_match(name, of_others)) shared += (shared.empty() ? "" : ", ") + name;
  EXPECT_EQ(shared, "");
}

TEST(Load, mapping_it_takes_less_than_a_tenth_of_a_second_and_leaves_no_thread_and_no_descriptor) {
  (void)plugin_file();
  for (const std::string& library : plugin_file().own_libraries) ASSERT_TRUE(host::map_library(library).ok());
  const Held before = Held::now();
  const uint64_t began = cpu_ms();
  (void)plugin();
  EXPECT_LT(cpu_ms() - began, 100u);
  EXPECT_EQ(Held::now().threads, before.threads);
  EXPECT_EQ(Held::now().descriptors, before.descriptors);
}

TEST(Load, its_entry_refuses_a_host_of_another_major) {
  const ion_probe foreign{sizeof(ion_probe), ION_ABI_MAJOR + 1, 0, "conform"};
  EXPECT_EQ(plugin_entry()(&foreign), nullptr);
  const ion_probe right{sizeof(ion_probe), ION_ABI_MAJOR, ION_ABI_MINOR, "conform"};
  EXPECT_NE(plugin_entry()(&right), nullptr);
}

TEST(Load, its_descriptor_says_what_its_notes_say) { EXPECT_STREQ(plugin().id, plugin_file().notes.id.c_str()); }

TEST(Load, a_key_that_it_does_not_know_is_refused_by_name) {
  const auto checked = checked_config(R"({"no_such_key": 1})");
  ASSERT_FALSE(checked.has_value()) << "its schema takes any key";
  EXPECT_NE(checked.error().text().find("no_such_key"), std::string::npos) << checked.error().text();
}

TEST(Load, each_contract_that_it_provides_has_one_table_and_any_other_text_none) {
  test::VirtualMachine machine;
  Ground ground(machine);
  Instance instance(ground);
  instance.begin();
  for (const std::string& id : plugin_file().notes.provides) {
    const void* table = instance.table(id.c_str());
    EXPECT_NE(table, nullptr) << id;
    EXPECT_EQ(instance.table(id.c_str()), table) << id << " is elsewhere when it is asked for again";
    for (const std::string& other : {id + "2", id.substr(0, id.size() - 1), "x" + id}) EXPECT_EQ(instance.table(other.c_str()), nullptr) << other;
  }
  EXPECT_EQ(instance.table(""), nullptr);
  EXPECT_EQ(instance.table("ion.nothing/1"), nullptr);
  instance.end();
}

TEST(Load, two_instances_on_two_hosts_live_and_end_by_themselves) {
  test::VirtualMachine machine, other_machine;
  Ground ground(machine), other_ground(other_machine);
  Instance one(ground), two(other_ground);
  one.begin(), two.begin();
  EXPECT_NE(one.self(), two.self());
  one.end();
  EXPECT_FALSE(two.faulted());
  two.end();
}

TEST(Load, an_instance_may_be_destroyed_without_having_been_started) {
  test::VirtualMachine machine;
  Ground ground(machine);
  Instance instance(ground);
  const Status created = instance.create();
  ASSERT_TRUE(created.ok()) << created.text();
  instance.destroy();
}

TEST(Load, without_a_service_that_it_needs_it_refuses_in_words) {
  for (const std::string& need : plugin_file().notes.needs) {
    if (host::is_optional(need)) continue;
    test::VirtualMachine machine;
    Ground ground(machine);
    Instance instance(ground, need);
    Status done = instance.create();
    if (done.ok()) done = instance.start();
    EXPECT_FALSE(done.ok()) << "it starts without " << need;
    EXPECT_FALSE(done.message().empty()) << "it says nothing of the missing " << need;
    if (done.ok()) instance.end();
  }
}

TEST(Load, a_thousand_lives_leave_no_memory_no_thread_and_no_descriptor) {
  test::VirtualMachine machine;
  const auto life = [&](int n) {
    for (int i = 0; i < n; ++i) {
      Ground ground(machine);  // its log ends with it
      Instance instance(ground);
      instance.begin();
      instance.end();
    }
  };
  life(20);
  const Held before = Held::now();
  life(1000);
  const Held after = Held::now();
  EXPECT_LE(after.threads, before.threads);
  EXPECT_LE(after.descriptors, before.descriptors);
  const int64_t grown = static_cast<int64_t>(after.bytes) - static_cast<int64_t>(before.bytes);
  EXPECT_LT(grown / 1000, 16) << "bytes that each life leaves behind";
}

}  // namespace
}  // namespace ion::conform
