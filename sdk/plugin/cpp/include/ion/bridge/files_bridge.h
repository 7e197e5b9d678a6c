// ion.files/1 across the C ABI, both ways. export_files: `self` is an ion::Files; handles are the File and the MappedFile.
// ImportedFiles (imported_files.h): the C++ interface over a ref; a null ref answers UNSUPPORTED.
// A file handle ends at close, whatever close answers, and a map at unmap. What the port lacks (sync_all, resident) answers
// UNSUPPORTED.
#pragma once
#include <ion/bridge/crossing.h>
#include <ion/bridge/imported_files.h>
#include <ion/ports.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ion {
namespace bridge {

struct ExportedFiles {
  static Files& of(void* self) noexcept { return *static_cast<Files*>(self); }
  static File& file_of(ion_file* f) noexcept { return *reinterpret_cast<File*>(f); }
  static MappedFile& map_of(ion_map* m) noexcept { return *reinterpret_cast<MappedFile*>(m); }
  template <class F>
  static ion_status ask(F&& f) noexcept {  // functions without an ion_err: the code is all that crosses
    return cross(nullptr, [&] { return static_cast<ion_status>(f().code()); });
  }
  template <class F, class T>
  static ion_status fetch(T* out, F&& f) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      auto got = f();
      if (!got) return got.error().code();
      *out = *std::move(got);
      return ION_OK;
    });
  }

  static ion_status open(void* self, ion_bytes path, uint32_t mode, ion_file** out, ion_err* err) noexcept {
    return cross(err, [&]() -> ion_status {
      Result<std::unique_ptr<File>> file = of(self).open(text_of(path), mode);
      if (!file) return file.error().to(err);
      *out = reinterpret_cast<ion_file*>((*std::move(file)).release());
      return ION_OK;
    });
  }
  static ion_status close(void*, ion_file* f, ion_err* err) noexcept {
    return cross(err, [&] {
      const std::unique_ptr<File> owner(&file_of(f));
      return owner->close().to(err);
    });
  }
  static ion_status pwrite(void*, ion_file* f, uint64_t at, const ion_buf* parts, uint32_t n) noexcept {
    return ask([&] { return file_of(f).pwrite(at, std::span<const ion_buf>(parts, n)); });
  }
  static ion_status pread(void*, ion_file* f, uint64_t at, void* to, uint64_t n, uint64_t* got) noexcept {
    return fetch(got, [&] { return file_of(f).pread(at, {static_cast<uint8_t*>(to), n}); });
  }
  static ion_status length(void*, ion_file* f, uint64_t* out) noexcept {
    return fetch(out, [&] { return file_of(f).length(); });
  }
  static ion_status allocate(void*, ion_file* f, uint64_t at, uint64_t n) noexcept {
    return ask([&] { return file_of(f).allocate(at, n); });
  }
  static ion_status zero(void*, ion_file* f, uint64_t at, uint64_t n) noexcept {
    return ask([&] { return file_of(f).zero(at, n); });
  }
  static ion_status sync_data(void*, ion_file* f) noexcept { return ask([&] { return file_of(f).sync_data(); }); }
  static ion_status shrink(void*, ion_file* f, uint64_t n) noexcept { return ask([&] { return file_of(f).shrink(n); }); }
  static ion_status sync_dir(void* self, ion_bytes path) noexcept { return ask([&] { return of(self).sync_dir(text_of(path)); }); }
  static ion_status map(void*, ion_file* f, uint64_t at, uint64_t n, ion_map** out, const uint8_t** base) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      Result<std::unique_ptr<MappedFile>> mapped = file_of(f).map(at, n);
      if (!mapped) return mapped.error().code();
      *base = (*mapped)->base();
      *out = reinterpret_cast<ion_map*>((*std::move(mapped)).release());
      return ION_OK;
    });
  }
  static void unmap(void*, ion_map* m) noexcept { delete &map_of(m); }
  static ion_status advise(void*, ion_map* m, uint64_t at, uint64_t n, uint32_t hint) noexcept {
    return ask([&] { return map_of(m).advise(at, n, static_cast<ion_advice>(hint)); });
  }
  static ion_status rename(void* self, ion_bytes from, ion_bytes to) noexcept {
    return ask([&] { return of(self).rename(text_of(from), text_of(to)); });
  }
  static ion_status remove(void* self, ion_bytes path) noexcept { return ask([&] { return of(self).remove(text_of(path)); }); }
  static ion_status make_dir(void* self, ion_bytes path) noexcept { return ask([&] { return of(self).make_dir(text_of(path)); }); }
  static ion_status list(void* self, ion_bytes dir, ion_name_fn each, void* ctx) noexcept {
    return cross(nullptr, [&]() -> ion_status {
      const Result<std::vector<DirEntry>> found = of(self).list(text_of(dir));
      if (!found) return found.error().code();
      for (const DirEntry& e : *found) each(ctx, bytes_of(e.directory ? e.name + "/" : e.name), e.directory ? 0 : e.bytes);
      return ION_OK;
    });
  }
  static ion_status space(void* self, uint64_t* free_bytes, uint64_t* total_bytes) noexcept {
    DiskSpace s;
    const ion_status code = fetch(&s, [&] { return of(self).space(); });
    if (code == ION_OK) *free_bytes = s.free_bytes, *total_bytes = s.total_bytes;
    return code;
  }
  static ion_status writeback(void*, ion_file* f, uint64_t at, uint64_t n) noexcept {
    return ask([&] { return file_of(f).writeback(at, n); });
  }
};

}  // namespace bridge

inline constexpr ion_files export_files{
    .size = sizeof(ion_files),
    .flags = 0,
    .open = &bridge::ExportedFiles::open,
    .close = &bridge::ExportedFiles::close,
    .pwrite = &bridge::ExportedFiles::pwrite,
    .pread = &bridge::ExportedFiles::pread,
    .length = &bridge::ExportedFiles::length,
    .allocate = &bridge::ExportedFiles::allocate,
    .zero = &bridge::ExportedFiles::zero,
    .sync_data = &bridge::ExportedFiles::sync_data,
    .shrink = &bridge::ExportedFiles::shrink,
    .sync_dir = &bridge::ExportedFiles::sync_dir,
    .map = &bridge::ExportedFiles::map,
    .unmap = &bridge::ExportedFiles::unmap,
    .advise = &bridge::ExportedFiles::advise,
    .rename = &bridge::ExportedFiles::rename,
    .remove = &bridge::ExportedFiles::remove,
    .make_dir = &bridge::ExportedFiles::make_dir,
    .list = &bridge::ExportedFiles::list,
    .space = &bridge::ExportedFiles::space,
    .writeback = &bridge::ExportedFiles::writeback,
    .sync_all = &bridge::Absent<decltype(ion_files::sync_all)>::answer,
    .resident = &bridge::Absent<decltype(ion_files::resident)>::answer,
};
}  // namespace ion
