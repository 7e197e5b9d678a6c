// The record formats of consume and produce (rpk's verbs), parsed once into pieces. Pure. What is written:
//   %t topic  %k key  %v value (raw bytes)   %T %K %V their lengths   %p partition  %o offset  %d timestamp in ms  %u message id
//   %H number of headers   %i counter from 1   %% %{ %}   \t \n \r \\ \0 \xNN
// What is read: %t %k %v with literals between them. A mistake is INVALID with a second and third line: the format, and a caret.
#pragma once
#include <ion/result.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record_text.h"

namespace ion::cli {

struct FormatPiece {
  enum class Verb : char {
    kLiteral = 0,
    kTopic = 't', kKey = 'k', kValue = 'v', kTopicSize = 'T', kKeySize = 'K', kValueSize = 'V',
    kPartition = 'p', kOffset = 'o', kTime = 'd', kId = 'u', kHeaderCount = 'H', kCounter = 'i',
  } verb = Verb::kLiteral;
  std::string literal;
};

class OutputFormat {
 public:
  static Result<OutputFormat> parse(std::string_view text);
  void write(const RecordView& record, std::string& to) const;
  // Whether key or value are printed: only then must they be kept until the acknowledgement.
  bool shows_key() const noexcept;
  bool shows_value() const noexcept;

 private:
  bool shows(FormatPiece::Verb raw, FormatPiece::Verb size) const noexcept;
  std::vector<FormatPiece> pieces_;
};

class InputFormat {
 public:
  static Result<InputFormat> parse(std::string_view text);
  bool reads_topic() const noexcept;

  enum class Source { kOpen, kEnded };  // whether more bytes may come
  struct Record {
    std::optional<std::string_view> topic, key, value;  // borrowed from the bytes
  };
  struct Step {
    enum class Found { kRecord, kNeedMore, kEnd, kMismatch } found = Found::kEnd;
    size_t used = 0;  // of kRecord: bytes that it took; of kMismatch: where
    Record record;
  };
  // The record at the head of `bytes`. The last delimiter of an ended source may be missing; anything else that is cut is a mismatch.
  Step read(std::string_view bytes, Source source) const;

 private:
  std::vector<FormatPiece> pieces_;
};

}  // namespace ion::cli
