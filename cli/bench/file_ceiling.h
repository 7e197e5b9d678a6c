// What the machine itself can do with a file: pieces of a batch's size put behind each other into one that was allocated before,
// nothing flushed. No broker that keeps its log in files is faster. Where memory is dear (a guest whose host takes pages back) this
// is the first ceiling that is met; the pages are free again afterwards, so a load that follows finds memory as warm as this one.
#pragma once
#include <ion/result.h>

#include <cstdint>
#include <string>

namespace ion::bench {

struct FileFigures {
  uint64_t bytes = 0;
  double seconds = 0;
};

struct FileLoad {
  std::string folder;
  uint64_t bytes = 0;
  uint64_t piece_bytes = 0;
};

// The file has no name and is gone at the end. NO_SPACE when the folder has less than twice the bytes free. Blocks.
Result<FileFigures> write_file(const FileLoad& load);

}  // namespace ion::bench
