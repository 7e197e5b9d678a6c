#include "host/file_remarks.h"

#include <ion/elf_notes.h>

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

namespace ion::host {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kNamesMax = 5;          // in a remark; of the others their number
constexpr uint64_t kSymbolsMax = 2'000'000;
constexpr uint64_t kCompilersBytes = 64;  // .data and .bss of a plugin without state: marks of the compiler

struct Section {
  Elf64_Shdr head{};
  std::string name;
};

std::vector<Section> sections(Bytes file) {
  Elf64_Ehdr head{};
  std::vector<Section> all;
  if (!elf::read_at(file, 0, head) || head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shnum > 1024 || head.e_shstrndx >= head.e_shnum) return all;
  for (size_t i = 0; i < head.e_shnum; ++i)
    if (!elf::read_at(file, head.e_shoff + i * sizeof(Elf64_Shdr), all.emplace_back().head)) return {};
  const Elf64_Shdr& names = all[head.e_shstrndx].head;
  const auto texts = elf::part(file, names.sh_offset, names.sh_size);
  for (Section& s : all)
    if (texts) s.name = elf::text_at(*texts, s.head.sh_name).value_or("");
  return all;
}

// Calls each(symbol, name) for the symbols of one table.
template <class Each>
void each_symbol(Bytes file, const std::vector<Section>& all, uint32_t type, Each each) {
  for (const Section& s : all) {
    if (s.head.sh_type != type || s.head.sh_link >= all.size()) continue;
    const Elf64_Shdr& names = all[s.head.sh_link].head;
    const auto texts = elf::part(file, names.sh_offset, names.sh_size);
    const uint64_t n = std::min(s.head.sh_size / sizeof(Elf64_Sym), kSymbolsMax);
    Elf64_Sym symbol{};
    for (uint64_t i = 0; texts && i < n && elf::read_at(file, s.head.sh_offset + i * sizeof symbol, symbol); ++i)
      if (const auto name = elf::text_at(*texts, symbol.st_name)) each(symbol, *name);
  }
}

std::string demangled(const std::string& name) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &failed), &std::free);
  return failed == 0 && text != nullptr ? std::string(text.get()) : name;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kNamesMax; ++i) text += (i == 0 ? "" : ", ") + demangled(names[i]);
  if (names.size() > kNamesMax) text += fmt::format(" and {} more", names.size() - kNamesMax);
  return text;
}

// Of the compiler, its start files and its standard library (the mark that <iostream> leaves), in every shared object.
bool is_compilers(std::string_view name) {
  return name == "_ZStL8__ioinit" || name.starts_with("completed.") || name == "__dso_handle" || name.starts_with("DW.ref.") || name == "__TMC_END__" || name.ends_with("$got") || name.starts_with("__cpu_model") || name.starts_with("__cpu_features");
}

// A library's one callback for a process leaves no other way; whoever writes it says so in its name.
bool is_meant(std::string_view name) { return name.find("process_wide_") != std::string_view::npos; }

// Written once by the loader, then read-only: no state.
bool is_state_section(const Section& s) {
  constexpr uint64_t kWritable = SHF_WRITE | SHF_ALLOC;
  if ((s.head.sh_flags & kWritable) != kWritable) return false;
  return (s.name.starts_with(".data") && !s.name.starts_with(".data.rel.ro")) || s.name.starts_with(".bss") || s.name == ".tdata" || s.name == ".tbss";
}

}  // namespace

std::vector<std::string> file_remarks(Bytes file) {
  std::vector<std::string> remarks, exports, states;
  const std::vector<Section> all = sections(file);
  each_symbol(file, all, SHT_DYNSYM, [&](const Elf64_Sym& s, const std::string& name) {
    if (s.st_shndx != SHN_UNDEF && s.st_shndx < all.size() && ELF64_ST_BIND(s.st_info) != STB_LOCAL && name != ION_ENTRY_SYMBOL)
      exports.insert(ELF64_ST_BIND(s.st_info) == STB_WEAK ? exports.end() : exports.begin(), name);  // those of its own first
  });
  each_symbol(file, all, SHT_SYMTAB, [&](const Elf64_Sym& s, const std::string& name) {
    const uint32_t type = ELF64_ST_TYPE(s.st_info);
    if ((type != STT_OBJECT && type != STT_TLS) || s.st_size == 0 || s.st_shndx >= all.size() || is_compilers(name) || is_meant(name)) return;
    if (is_state_section(all[s.st_shndx])) states.push_back(name);
  });
  if (!exports.empty())
    remarks.push_back(fmt::format("it exports {} more symbol{} than its entry: {}", exports.size(), exports.size() == 1 ? "" : "s", listed(exports)));
  if (!states.empty()) {
    remarks.push_back("it keeps state outside of its instances, which they share: " + listed(states));
    return remarks;
  }
  uint64_t bytes = 0;  // without symbols there are still sizes
  for (const Section& s : all)
    if (is_state_section(s)) bytes += s.head.sh_size;
  bool has_symbols = false;
  for (const Section& s : all) has_symbols |= s.head.sh_type == SHT_SYMTAB;
  if (!has_symbols && bytes > kCompilersBytes) remarks.push_back(fmt::format("it keeps {} bytes of state outside of its instances, which they share", bytes));
  return remarks;
}

}  // namespace ion::host
