// The record formats of consume and produce (rpk's verbs), parsed once into pieces. Pure. What is written:
//   %t topic  %k key  %v value   %T %K %V their lengths   %p partition  %o offset  %d timestamp in ms  %u message id
//   %e leader epoch  %x producer id  %y producer epoch   %a{A} attribute of the batch, a word, or a number with %a{A;NUM}: compression,
//   timestamp-type, transactional-bit, control-bit   %H number of headers  %h{...} the inner format (%k %v %K %V) once per header   %i counter from 1   %% %{ %}
//   \t \n \r \\ \0 \xNN
// What is read: %t %k %v, each up to the literal behind it or, where %T %K %V stand before, by its length; %V{4} is a length that reads
// nothing. What ends a record ends the field as well: where the literal behind a field does not come before that, the input does not fit, so that a
// line without a separator is never joined with the next one. %H before %h{...}, whose fields have lengths; %p partition, %d timestamp; %o %e %x %y are read and ignored. A length or a number of headers
// whose field is not there is a mistake.
// Modifiers stand in braces behind a verb. Numbers: ascii (or number), hex (writing), hex64 hex32 hex16 hex8 hex4, big64 big32 big16
// little64 little32 little16 byte (or big8, little8), bool; %d also iso and strftime[LAYOUT] (writing). Bytes: hex, base64, base64raw, and
// unpack[LAYOUT] (writing). A LAYOUT stands between n equal openers and n closers: [ ] { } ( ), or any other character twice.
// A mistake is INVALID with a second and third line: the format, and a caret.
#pragma once
#include <ion/result.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/record_text.h"

namespace ion::cli {

struct NumberForm {
  enum class Kind : uint8_t { kDecimal, kHex, kBig, kLittle, kBool, kIso, kLayout } kind = Kind::kDecimal;
  uint8_t width = 0;  // digits of kHex (0: as many as it needs), bytes of kBig and kLittle
};
enum class TextForm : uint8_t { kRaw, kHex, kBase64, kBase64Raw, kUnpack };

struct FormatPiece {
  enum class Verb : char {
    kLiteral = 0,
    kTopic = 't', kKey = 'k', kValue = 'v', kTopicSize = 'T', kKeySize = 'K', kValueSize = 'V', kPartition = 'p', kOffset = 'o', kTime = 'd',
    kEpoch = 'e', kProducer = 'x', kProducerEpoch = 'y', kAttribute = 'a', kId = 'u', kHeaderCount = 'H', kHeaders = 'h', kCounter = 'i',
  } verb = Verb::kLiteral;
  std::string literal = {};
  NumberForm number = {};
  TextForm text = TextForm::kRaw;
  std::string layout = {};  // of kLayout and kUnpack
  enum class Attribute : uint8_t { kCompression, kTimestampType, kTransactional, kControl } attribute = Attribute::kCompression;
  enum class Shown : uint8_t { kWord, kNumber } shown = Shown::kWord;  // an attribute
  std::optional<uint64_t> fixed = {};  // of a length that reads nothing
  std::vector<FormatPiece> inner = {};
};
enum class FormatUse { kWritten, kRead };
Result<std::vector<FormatPiece>> parse_format(std::string_view text, FormatUse use);
// Each field of a format with its meaning, a line each, and the modifiers: for a help text.
std::string fields_help(FormatUse use);
// INVALID with the format on a line of its own and a caret under [at, at + width).
Status format_mistake(std::string_view format, size_t at, size_t width, const std::string& what);

class OutputFormat {
 public:
  static Result<OutputFormat> parse(std::string_view text);
  void write(const RecordView& record, std::string& to) const;
  // Whether key, value or headers are printed: only then must they be kept until the acknowledgement.
  bool shows_key() const noexcept;
  bool shows_value() const noexcept;
  bool shows_headers() const noexcept;

 private:
  bool shows(FormatPiece::Verb raw, FormatPiece::Verb size) const noexcept;
  std::vector<FormatPiece> pieces_;
};

class InputFormat {
 public:
  // "json": a line of JSON per record, as consume writes it; then read() is for somebody else.
  static Result<InputFormat> parse(std::string_view text);
  bool reads_topic() const noexcept { return reads(FormatPiece::Verb::kTopic); }
  bool reads(FormatPiece::Verb verb) const noexcept;
  bool is_json() const noexcept { return json_; }
  // A record ends with a line. (It may have several.)
  bool is_of_lines() const noexcept { return !pieces_.empty() && pieces_.back().literal.ends_with('\n'); }

  enum class Source { kOpen, kEnded };  // whether more bytes may come
  struct Header {
    std::string_view key;
    std::optional<std::string_view> value;  // missing: null
  };
  struct Record {
    std::optional<std::string_view> topic, key, value;  // borrowed from the bytes, or from `decoded`
    bool null_value = false;                            // a missing value was said, and not only left out
    std::vector<Header> headers;
    std::optional<int64_t> partition, timestamp_ms;
    std::unique_ptr<std::deque<std::string>> decoded;  // what does not stand in the bytes as it is
  };
  struct Step {
    enum class Found { kRecord, kNeedMore, kEnd, kMismatch } found = Found::kEnd;
    size_t used = 0;  // of kRecord: bytes that it took; of kMismatch: where
    std::string why = {};  // of kMismatch: what was wanted and what was there
    Record record = {};
  };
  // The record at the head of `bytes`. The last delimiter of an ended source may be missing; anything else that is cut is a mismatch.
  Step read(std::string_view bytes, Source source) const;

 private:
  std::vector<FormatPiece> pieces_;
  bool json_ = false;
};

}  // namespace ion::cli
