// What a plugin file says about itself without running its code: the two ELF notes (ion/abi/entry.h) and the libraries that its
// dynamic section asks for. Used by the host before anything is mapped, and by `ion plugin inspect`.
// The bytes are foreign: every offset is checked, every list has a bound, texts that will be printed are plain ASCII.
// Values only; any thread. Failure: INVALID (no shared object for this machine), NOT_FOUND (no notes), CORRUPT (nonsense inside).
#pragma once
#include <ion/abi/entry.h>
#include <ion/bytes.h>
#include <ion/result.h>

#include <elf.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ion {

struct PluginNotes {
  uint16_t abi_major = 0, abi_minor = 0;
  uint16_t min_host_minor = 0;
  std::string id, version;
  std::vector<std::string> provides, needs;  // optional needs end in '?'
  std::string schema;                        // JSON Schema of `config`; empty: no note, nothing can be configured
};
struct ElfLibraries {
  std::vector<std::string> needed;  // DT_NEEDED
  std::string rpath, runpath;       // empty: none
};

namespace elf {

constexpr size_t kHeadersMax = 128, kDynamicMax = 4096, kNeededMax = 128, kNamesMax = 64;
constexpr size_t kMessageBytesMax = 16 << 10, kSchemaBytesMax = 1 << 20, kNameBytesMax = 128, kPathBytesMax = 4096;
#if defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#elif defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#else
#error "name the ELF machine of this processor here"
#endif

using Bytes = std::span<const uint8_t>;

// Written so that no sum of foreign numbers can wrap.
inline std::optional<Bytes> part(Bytes file, uint64_t at, uint64_t n) {
  if (at > file.size() || n > file.size() - at) return std::nullopt;
  return file.subspan(at, n);
}
template <class T>
bool read_at(Bytes file, uint64_t at, T& out) {
  const auto bytes = part(file, at, sizeof(T));
  if (bytes) std::memcpy(&out, bytes->data(), sizeof(T));
  return bytes.has_value();
}
inline Status corrupt(std::string_view what) { return {ION_E_CORRUPT, "the ELF file is damaged: " + std::string(what)}; }

inline Result<std::vector<Elf64_Phdr>> program_headers(Bytes file) {
  Elf64_Ehdr head{};
  if (!read_at(file, 0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    return Status(ION_E_INVALID, "wanted an ELF shared object, found something else");
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_type != ET_DYN)
    return Status(ION_E_INVALID, "wanted a 64-bit little-endian ELF shared object, found another kind of ELF file");
  if (head.e_machine != kMachine)
    return Status(ION_E_INVALID, "wanted ELF machine " + std::to_string(kMachine) + ", found " + std::to_string(head.e_machine));
  if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum == 0 || head.e_phnum > kHeadersMax)
    return corrupt("program headers");
  std::vector<Elf64_Phdr> headers(head.e_phnum);
  for (size_t i = 0; i < headers.size(); ++i)
    if (head.e_phoff > file.size() || !read_at(file, head.e_phoff + i * sizeof(Elf64_Phdr), headers[i]))
      return corrupt("program headers");
  return headers;
}

// Printable, and without what separates fields.
inline bool is_word(std::string_view s, size_t bytes_max) {
  if (s.empty() || s.size() > bytes_max) return false;
  for (const char c : s)
    if (c <= ' ' || c > '~' || c == ';' || c == ',') return false;
  return true;
}
// "ion.storage/1": an id, a slash, a revision.
inline bool is_contract(std::string_view s) {
  const size_t slash = s.find('/');
  if (!is_word(s, kNameBytesMax) || slash == 0 || slash == std::string_view::npos || slash + 1 == s.size()) return false;
  return s.find_first_not_of("0123456789", slash + 1) == std::string_view::npos;
}
template <class T>
bool number(std::string_view s, T& out) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  return error == std::errc{} && end == s.data() + s.size();
}

template <class Each>
bool each_piece(std::string_view text, char separator, Each each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (!each(text.substr(0, end))) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}
inline bool read_contracts(std::string_view text, bool optional_ones, std::vector<std::string>& to) {
  return each_piece(text, ',', [&](std::string_view item) {
    std::string_view bare = item;
    if (optional_ones && bare.ends_with('?')) bare.remove_suffix(1);
    if (!is_contract(bare) || to.size() == kNamesMax) return false;
    to.emplace_back(item);
    return true;
  });
}

// "abi=1.0;min=0;id=...;version=...;provides=a,b;needs=c,d?". Unknown keys are of a younger minor: passed over.
inline Result<PluginNotes> read_words(std::string_view text) {
  PluginNotes notes;
  std::string wrong;
  bool has_abi = false;
  const bool whole = each_piece(text, ';', [&](std::string_view field) {
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view key = field.substr(0, equals), value = field.substr(equals + 1);
    bool good = true;
    if (key == "abi") {
      const size_t dot = value.find('.');
      good = has_abi = dot != std::string_view::npos && number(value.substr(0, dot), notes.abi_major) &&
                       number(value.substr(dot + 1), notes.abi_minor);
    } else if (key == "min") {
      good = number(value, notes.min_host_minor);
    } else if (key == "id") {
      if ((good = is_word(value, kNameBytesMax))) notes.id = value;
    } else if (key == "version") {
      if ((good = is_word(value, kNameBytesMax))) notes.version = value;
    } else if (key == "provides") {
      good = read_contracts(value, false, notes.provides);
    } else if (key == "needs") {
      good = read_contracts(value, true, notes.needs);
    }
    if (!good) wrong = key;
    return good;
  });
  if (!wrong.empty())
    return Status(ION_E_CORRUPT, "the plugin's note has a bad value for `" + (is_word(wrong, 32) ? wrong : "?") + "`");
  if (!whole || !has_abi || notes.id.empty() || notes.version.empty())
    return Status(
        ION_E_CORRUPT,
        "the plugin's note must say abi, id and version, as in abi=1.0;min=0;id=...;version=...;provides=...;needs=...");
  return notes;
}

struct RawNotes {
  std::optional<std::string_view> words, schema;
};
// One segment of notes. Fields are padded to 4 bytes, or to 8 where the segment says so.
inline Status collect(Bytes segment, uint64_t align, RawNotes& to) {
  const auto padded = [&](uint64_t n) { return align == 8 ? (n + 7) & ~uint64_t{7} : (n + 3) & ~uint64_t{3}; };
  uint64_t at = 0;
  Elf64_Nhdr note{};
  while (read_at(segment, at, note)) {
    const uint64_t name_at = at + sizeof note, body_at = padded(name_at + note.n_namesz);
    const auto name = part(segment, name_at, note.n_namesz), body = part(segment, body_at, note.n_descsz);
    if (!name || !body) return corrupt("a note reaches beyond its segment");
    at = padded(body_at + note.n_descsz);
    if (text_of(*name) != std::string_view(ION_NOTE_OWNER "\0", sizeof ION_NOTE_OWNER)) continue;
    if (note.n_type != ION_NOTE_TYPE_ABI && note.n_type != ION_NOTE_TYPE_SCHEMA) continue;
    const bool words = note.n_type == ION_NOTE_TYPE_ABI;
    std::optional<std::string_view>& slot = words ? to.words : to.schema;
    if (slot) return Status(ION_E_CORRUPT, "the file has two notes of the same kind: is it two plugins linked into one?");
    if (body->size() > (words ? kMessageBytesMax : kSchemaBytesMax))
      return Status(ION_E_CORRUPT, "a note of the plugin is too large");
    slot = text_of(*body);
  }
  return {};
}

// Where the bytes lie that the loader will see at this address.
inline std::optional<uint64_t> file_offset(const std::vector<Elf64_Phdr>& headers, uint64_t address) {
  for (const Elf64_Phdr& h : headers)
    if (h.p_type == PT_LOAD && address >= h.p_vaddr && address - h.p_vaddr < h.p_filesz)
      return h.p_offset + (address - h.p_vaddr);
  return std::nullopt;
}
inline std::optional<std::string> text_at(Bytes strings, uint64_t at) {
  if (at >= strings.size()) return std::nullopt;
  const std::string_view rest = text_of(strings).substr(at);
  const size_t end = rest.find('\0');
  if (end == std::string_view::npos || !is_word(rest.substr(0, end), kPathBytesMax)) return std::nullopt;
  return std::string(rest.substr(0, end));
}

}  // namespace elf

inline Result<PluginNotes> read_plugin_notes(std::span<const uint8_t> file) {
  ION_TRY(const std::vector<Elf64_Phdr> headers, elf::program_headers(file));
  elf::RawNotes raw;
  for (const Elf64_Phdr& h : headers) {
    if (h.p_type != PT_NOTE) continue;
    const auto segment = elf::part(file, h.p_offset, h.p_filesz);
    if (!segment) return elf::corrupt("a note segment lies outside the file");
    ION_CHECK(elf::collect(*segment, h.p_align, raw));
  }
  if (!raw.words) return Status(ION_E_NOT_FOUND, "it is no IonStream plugin: the note " ION_NOTE_ABI_SECTION " is missing");
  ION_TRY(PluginNotes notes, elf::read_words(*raw.words));
  if (raw.schema) notes.schema = *raw.schema;
  return notes;
}

inline Result<ElfLibraries> read_elf_libraries(std::span<const uint8_t> file) {
  ION_TRY(const std::vector<Elf64_Phdr> headers, elf::program_headers(file));
  std::vector<Elf64_Dyn> entries;
  for (const Elf64_Phdr& h : headers) {
    const auto at = elf::file_offset(headers, h.p_vaddr);
    if (h.p_type != PT_DYNAMIC) continue;
    for (uint64_t i = 0; at && i < h.p_memsz / sizeof(Elf64_Dyn) && i < elf::kDynamicMax; ++i) {
      Elf64_Dyn entry{};
      if (!elf::read_at(file, *at + i * sizeof entry, entry)) return elf::corrupt("dynamic section");
      if (entry.d_tag == DT_NULL) break;
      entries.push_back(entry);
    }
  }
  std::optional<uint64_t> table;
  uint64_t table_bytes = 0;
  for (const Elf64_Dyn& e : entries) {
    if (e.d_tag == DT_STRTAB) table = elf::file_offset(headers, e.d_un.d_ptr);
    if (e.d_tag == DT_STRSZ) table_bytes = e.d_un.d_val;
  }
  const auto strings = table ? elf::part(file, *table, table_bytes) : std::nullopt;
  if (!strings) return elf::corrupt("it has no readable dynamic section");
  ElfLibraries out;
  for (const Elf64_Dyn& e : entries) {
    if (e.d_tag != DT_NEEDED && e.d_tag != DT_RPATH && e.d_tag != DT_RUNPATH) continue;
    auto text = elf::text_at(*strings, e.d_un.d_val);
    if (!text || out.needed.size() == elf::kNeededMax) return elf::corrupt("names of libraries");
    if (e.d_tag == DT_NEEDED)
      out.needed.push_back(*std::move(text));
    else
      (e.d_tag == DT_RPATH ? out.rpath : out.runpath) = *std::move(text);
  }
  return out;
}

}  // namespace ion
