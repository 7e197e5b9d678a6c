#include "core/record_format.h"

#include <ion/assert.h>

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;

constexpr std::string_view kWritten = "tkvTKVpoduHi";
constexpr std::string_view kRead = "tkv";
constexpr std::string_view kLater = "hexyaDAS[]|";  // known, but not offered yet

struct Spot {
  std::string_view text;
  size_t at = 0, width = 1;
};

// The format on one line and a caret under the spot. Bytes that would break the line are shown as dots.
Status mistake(const Spot& spot, const std::string& words) {
  std::string shown;
  for (const char c : spot.text) shown += static_cast<uint8_t>(c) < 0x20 ? '.' : c;
  return Status(ION_E_INVALID, words + "\n  " + shown + "\n  " + std::string(spot.at, ' ') + std::string(spot.width, '^'));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view verbs, std::string_view use) : text_(text), verbs_(verbs), use_(use) {}

  Result<std::vector<FormatPiece>> run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '%') {
        ION_CHECK(verb());
      } else if (text_[at_] == '\\') {
        ION_CHECK(escape());
      } else {
        literal(text_[at_++]);
      }
    }
    return std::move(pieces_);
  }

 private:
  void literal(char c) {
    if (pieces_.empty() || pieces_.back().verb != Verb::kLiteral) pieces_.emplace_back();
    pieces_.back().literal += c;
  }

  Status verb() {
    const size_t began = at_;
    if (at_ + 1 == text_.size()) return mistake({text_, began}, "format: % at the end; a percent sign is %%");
    const char c = text_[at_ + 1];
    at_ += 2;
    if (c == '%' || c == '{' || c == '}') return literal(c), Status();
    const std::string shown{'%', c};
    if (verbs_.find(c) == std::string_view::npos) {
      const bool known = kWritten.find(c) != std::string_view::npos || kLater.find(c) != std::string_view::npos;
      return mistake({text_, began, 2}, "format: " + (known ? shown + " is not offered in what " + std::string(use_) + " yet" : "unknown verb " + shown) +
                                            "; there are " + listed());
    }
    if (at_ < text_.size() && text_[at_] == '{')
      return mistake({text_, at_}, "format: modifiers of " + shown + " are not offered yet; a literal brace is %{");
    pieces_.push_back({static_cast<Verb>(c), {}});
    return {};
  }

  Status escape() {
    const size_t began = at_;
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const bool ended = at_ + 1 == text_.size();
    at_ += 2;
    if (ended) return mistake({text_, began}, "format: \\ at the end; a backslash is \\\\");
    static constexpr std::string_view kNames = "tnr\\0";
    static constexpr std::string_view kBytes{"\t\n\r\\\0", 5};
    if (const size_t i = kNames.find(c); i != std::string_view::npos) return literal(kBytes[i]), Status();
    const int high = c == 'x' && at_ + 1 < text_.size() ? hex_digit(text_[at_]) : -1;
    const int low = high >= 0 ? hex_digit(text_[at_ + 1]) : -1;
    if (low < 0) return mistake({text_, began, 2}, std::string("format: \\") + c + " is no escape; there are \\t \\n \\r \\\\ \\0 \\xNN");
    at_ += 2;
    return literal(static_cast<char>(high * 16 + low)), Status();
  }

  std::string listed() const {
    std::string out;
    for (const char c : verbs_) (out += '%') += {c, ' '};
    return out + "%%";
  }

  const std::string_view text_, verbs_, use_;
  size_t at_ = 0;
  std::vector<FormatPiece> pieces_;
};

int64_t size_of(const std::optional<std::string_view>& bytes) { return bytes ? static_cast<int64_t>(bytes->size()) : 0; }

}  // namespace

Result<OutputFormat> OutputFormat::parse(std::string_view text) {
  OutputFormat format;
  ION_TRY(format.pieces_, Parser(text, kWritten, "is written").run());
  return format;
}

void OutputFormat::write(const RecordView& r, std::string& to) const {
  for (const FormatPiece& piece : pieces_) {
    switch (piece.verb) {
      case Verb::kLiteral: to += piece.literal; break;
      case Verb::kTopic: to += r.topic; break;
      case Verb::kKey: to += r.key.value_or(std::string_view()); break;
      case Verb::kValue: to += r.value.value_or(std::string_view()); break;
      case Verb::kTopicSize: append_number(static_cast<int64_t>(r.topic.size()), to); break;
      case Verb::kKeySize: append_number(size_of(r.key), to); break;
      case Verb::kValueSize: append_number(size_of(r.value), to); break;
      case Verb::kPartition: append_number(r.partition.v, to); break;
      case Verb::kOffset: append_number(r.offset.v, to); break;
      case Verb::kTime: append_number(r.time.ms, to); break;
      case Verb::kId: append_id(r, to); break;
      case Verb::kHeaderCount: append_number(r.header_count, to); break;
      case Verb::kCounter: append_number(static_cast<int64_t>(r.number), to); break;
    }
  }
}

bool OutputFormat::shows(Verb raw, Verb size) const noexcept {
  for (const FormatPiece& piece : pieces_)
    if (piece.verb == raw || piece.verb == size) return true;
  return false;
}
bool OutputFormat::shows_key() const noexcept { return shows(Verb::kKey, Verb::kKeySize); }
bool OutputFormat::shows_value() const noexcept { return shows(Verb::kValue, Verb::kValueSize); }

Result<InputFormat> InputFormat::parse(std::string_view text) {
  InputFormat format;
  ION_TRY(format.pieces_, Parser(text, kRead, "is read").run());
  size_t fields = 0;
  std::string seen;
  for (size_t i = 0; i < format.pieces_.size(); ++i) {
    const Verb verb = format.pieces_[i].verb;
    if (verb == Verb::kLiteral) continue;
    const char letter = static_cast<char>(verb);
    ++fields;
    if (seen.find(letter) != std::string::npos)
      return mistake({text, text.rfind(std::string{'%', letter}), 2}, std::string("format: %") + letter + " is there twice");
    seen += letter;
    if (i > 0 && format.pieces_[i - 1].verb != Verb::kLiteral)
      return mistake({text, text.find(std::string{'%', letter}), 2}, "format: two fields side by side; want a literal between them");
  }
  if (fields == 0) return Status(ION_E_INVALID, "format: it reads nothing; want %v, %k or %t in \"" + std::string(text) + "\"");
  return format;
}

bool InputFormat::reads_topic() const noexcept {
  for (const FormatPiece& piece : pieces_)
    if (piece.verb == Verb::kTopic) return true;
  return false;
}

InputFormat::Step InputFormat::read(std::string_view bytes, Source source) const {
  using Found = Step::Found;
  const bool ended = source == Source::kEnded;
  if (bytes.empty()) return {ended ? Found::kEnd : Found::kNeedMore, 0, {}};
  Step step{Found::kRecord, 0, {}};
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const std::string_view rest = bytes.substr(step.used);
    if (pieces_[i].verb == Verb::kLiteral) {
      const std::string& literal = pieces_[i].literal;
      if (rest.starts_with(literal)) {
        step.used += literal.size();
        continue;
      }
      const bool cut = rest.size() < literal.size() && literal.starts_with(rest);
      if (cut && !ended) return {Found::kNeedMore, 0, {}};
      if (rest.empty() && i > 0 && i + 1 == pieces_.size()) continue;  // the last delimiter is missing
      return {Found::kMismatch, step.used, {}};
    }
    size_t length = rest.size();
    if (i + 1 < pieces_.size()) {
      const std::string& next = pieces_[i + 1].literal;
      const size_t at = next.size() == 1 ? rest.find(next[0]) : rest.find(next);
      if (at == std::string_view::npos && !ended) return {Found::kNeedMore, 0, {}};
      if (at == std::string_view::npos && i + 2 < pieces_.size()) return {Found::kMismatch, step.used + rest.size(), {}};
      if (at != std::string_view::npos) length = at;
    } else if (!ended) {
      return {Found::kNeedMore, 0, {}};
    }
    const std::string_view field = rest.substr(0, length);
    step.used += length;
    if (pieces_[i].verb == Verb::kTopic) step.record.topic = field;
    else if (pieces_[i].verb == Verb::kKey) step.record.key = field;
    else step.record.value = field;
  }
  ION_ASSERT(step.used > 0);  // else a caller would read this record for ever
  return step;
}

}  // namespace ion::cli
