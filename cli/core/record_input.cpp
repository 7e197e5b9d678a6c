// Records out of bytes: each piece of the format takes its part, or says that more bytes are wanted, or that they do not fit.
#include <ion/assert.h>

#include <algorithm>
#include <charconv>

#include "core/record_format.h"

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;
using Kind = NumberForm::Kind;
using Found = InputFormat::Step::Found;

constexpr size_t kHeadersMax = 1 << 16;
constexpr uint64_t kLengthMax = 64 << 20;
constexpr size_t kShownMax = 60;  // bytes of an input that does not fit

// The field that a length is for.
Verb sized_by(Verb verb) {
  switch (verb) {
    case Verb::kTopicSize: return Verb::kTopic;
    case Verb::kKeySize: return Verb::kKey;
    case Verb::kValueSize: return Verb::kValue;
    default: return Verb::kLiteral;
  }
}
bool is_field(Verb verb) { return verb == Verb::kTopic || verb == Verb::kKey || verb == Verb::kValue; }

char length_verb(Verb field) { return field == Verb::kTopic ? 'T' : field == Verb::kKey ? 'K' : 'V'; }
// Its digits go on until something that is none: nothing may follow that begins with one.
bool is_decimal(const FormatPiece& piece) {
  const bool number = piece.verb != Verb::kLiteral && piece.verb != Verb::kHeaders && !is_field(piece.verb);
  return number && !piece.fixed && piece.number.kind == Kind::kDecimal;
}

// What can be judged without input: every field is read once, it is known where it ends, and nothing is read for nobody.
class Check {
 public:
  enum class Of { kRecord, kHeader };
  Check(std::string_view text, const std::vector<FormatPiece>& pieces, Of of) : text_(text), pieces_(pieces), of_(of) {}

  Status run() {
    bool reads = false;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const Verb verb = pieces_[i].verb;
      if (verb == Verb::kLiteral) continue;
      if (saw(verb)) return wrong(verb, " is there twice");
      seen_ += static_cast<char>(verb);
      const Verb of = sized_by(verb);
      if (of != Verb::kLiteral && saw(of)) return wrong(verb, " is a length and stands before what it is for");
      if (i + 1 < pieces_.size() && is_decimal(pieces_[i]) && is_decimal(pieces_[i + 1]))
        return wrong(pieces_[i + 1].verb, " makes two numbers side by side; want a literal between them, or a form of fixed width such as {big32}");
      if (verb == Verb::kHeaders) {
        if (!saw(Verb::kHeaderCount)) return wrong(verb, " wants %H, their number, before it");
        ION_CHECK(Check(text_, pieces_[i].inner, Of::kHeader).run());
      }
      if (is_field(verb)) ION_CHECK(field(i));
      reads = reads || is_field(verb) || verb == Verb::kHeaders;
    }
    ION_CHECK(nothing_for_nobody());
    if (reads) return {};
    if (of_ == Of::kHeader) return wrong(Verb::kHeaders, "{...} reads nothing; want %k or %v in it, each with its length before it");
    return Status(ION_E_INVALID, "format: it reads nothing; want %v, %k or %t in \"" + std::string(text_) + "\"");
  }

 private:
  bool saw(Verb verb) const { return seen_.find(static_cast<char>(verb)) != std::string::npos; }
  Status wrong(Verb verb, const std::string& what) const {
    const std::string shown{'%', static_cast<char>(verb)};
    return format_mistake(text_, std::min(text_.rfind(shown), text_.size() - 1), 2, "format: " + shown + what);
  }
  Status field(size_t i) const {
    const char length = length_verb(pieces_[i].verb);
    if (seen_.find(length) != std::string::npos) return {};
    if (of_ == Of::kHeader) return wrong(pieces_[i].verb, std::string(" of a header wants its length before it, %") + length);
    if (i + 1 == pieces_.size() || pieces_[i + 1].verb == Verb::kLiteral) return {};
    return format_mistake(text_, std::min(text_.find(std::string{'%', static_cast<char>(pieces_[i + 1].verb)}), text_.size() - 1), 2,
                          "format: two fields side by side; want a literal between them, or the length of the first one before it");
  }
  Status nothing_for_nobody() const {
    for (const Verb verb : {Verb::kTopicSize, Verb::kKeySize, Verb::kValueSize})
      if (saw(verb) && !saw(sized_by(verb))) return wrong(verb, std::string(" is a length, and %") + static_cast<char>(sized_by(verb)) + " is not there behind it");
    if (saw(Verb::kHeaderCount) && !saw(Verb::kHeaders)) return wrong(Verb::kHeaderCount, " is a number of headers, and %h{...} is not there behind it");
    return {};
  }

  const std::string_view text_;
  const std::vector<FormatPiece>& pieces_;
  const Of of_;
  std::string seen_;
};

class Reading {
 public:
  Reading(std::string_view bytes, bool ended, InputFormat::Record& record) : bytes_(bytes), ended_(ended), record_(record) {}

  // kRecord: all pieces have had their part.
  Found sequence(const std::vector<FormatPiece>& pieces, InputFormat::Header* header) {
    std::optional<uint64_t> lengths[3];  // topic, key, value
    for (size_t i = 0; i < pieces.size(); ++i) {
      const FormatPiece& piece = pieces[i];
      Found found = Found::kRecord;
      if (piece.verb == Verb::kLiteral) {
        found = literal(piece.literal, i > 0 && i + 1 == pieces.size() && header == nullptr);
      } else if (is_field(piece.verb)) {
        const std::optional<uint64_t>& length = lengths[index(piece.verb)];
        std::string_view field;
        found = length ? take(*length, field) : until(pieces, i, field);
        if (found == Found::kRecord) found = store(piece, field, header);
        else if (found == Found::kMismatch) why_ = length ? short_of(*length, piece) : "want " + shown(pieces[i + 1].literal) + " behind " + shown(piece.verb) + why_;
      } else if (piece.verb == Verb::kHeaders) {
        found = headers(piece.inner);
      } else {
        int64_t value = static_cast<int64_t>(piece.fixed.value_or(0));
        if (!piece.fixed) found = number(piece.number, value);
        if (found == Found::kRecord) found = note(piece.verb, value, lengths);
        else if (found == Found::kMismatch) why_ = "want a number for " + shown(piece.verb);
      }
      if (found != Found::kRecord) return found;
    }
    return Found::kRecord;
  }
  size_t used() const { return at_; }
  std::string take_why() { return std::move(why_); }

 private:
  static std::string shown(Verb verb) { return {'%', static_cast<char>(verb)}; }
  static std::string shown(const std::string& literal) {
    std::string out;
    append_json_string(literal, out);
    return out;
  }
  std::string short_of(uint64_t length, const FormatPiece& piece) const {
    return "want " + std::to_string(length) + " bytes for " + shown(piece.verb) + ", and the input ends after " + std::to_string(rest().size());
  }
  Found misfit(std::string why) { return why_ = std::move(why), Found::kMismatch; }
  std::string_view rest() const { return bytes_.substr(at_); }
  Found cut() const { return ended_ ? Found::kMismatch : Found::kNeedMore; }
  static size_t index(Verb field) { return field == Verb::kTopic ? 0 : field == Verb::kKey ? 1 : 2; }

  Found literal(const std::string& text, bool last) {
    if (rest().starts_with(text)) return at_ += text.size(), Found::kRecord;
    if (rest().size() < text.size() && std::string_view(text).starts_with(rest())) {
      if (!ended_) return Found::kNeedMore;
      if (rest().empty() && last) return Found::kRecord;  // the last delimiter is missing
    }
    return misfit("want " + shown(text));
  }
  Found take(uint64_t n, std::string_view& field) {
    if (rest().size() < n) return cut();
    field = rest().substr(0, n);
    at_ += n;
    return Found::kRecord;
  }
  static size_t find(std::string_view in, const std::string& what) { return what.size() == 1 ? in.find(what[0]) : in.find(what); }
  // The field of pieces[i], which has no length.
  Found until(const std::vector<FormatPiece>& pieces, size_t i, std::string_view& field) {
    const std::string* const delimiter = i + 1 < pieces.size() ? &pieces[i + 1].literal : nullptr;
    const bool more_behind = i + 2 < pieces.size();
    const size_t at = delimiter == nullptr ? std::string_view::npos : find(rest(), *delimiter);
    if (const std::string& ending = pieces.back().literal; more_behind && !ending.empty() && delimiter->find(ending) == std::string::npos) {
      if (const size_t end = find(rest().substr(0, at), ending); end != std::string_view::npos) {
        why_ = ", and the record ends before it: " + shown(std::string(rest().substr(0, std::min(end, kShownMax)))) + (end > kShownMax ? "..." : "");
        return at_ += end, Found::kMismatch;
      }
    }
    if (at == std::string_view::npos) {
      if (!ended_) return Found::kNeedMore;
      if (more_behind) return at_ = bytes_.size(), Found::kMismatch;
    }
    field = rest().substr(0, at);
    at_ += field.size();
    return Found::kRecord;
  }
  Found number(NumberForm form, int64_t& value) {
    if (form.kind == Kind::kBig || form.kind == Kind::kLittle) {
      std::string_view raw;
      if (const Found found = take(form.width, raw); found != Found::kRecord) return found;
      uint64_t bits = 0;
      for (size_t i = 0; i < raw.size(); ++i) bits = bits << 8 | static_cast<uint8_t>(raw[form.kind == Kind::kBig ? i : raw.size() - 1 - i]);
      value = static_cast<int64_t>(bits);
      return Found::kRecord;
    }
    if (form.kind == Kind::kBool) {
      for (const std::string_view name : {"true", "false"})
        if (rest().starts_with(name)) return at_ += name.size(), value = name == "true" ? 1 : 0, Found::kRecord;
      return rest().size() < 5 ? cut() : Found::kMismatch;
    }
    std::string_view digits = rest();
    if (form.kind == Kind::kHex) {
      if (const Found found = take(form.width, digits); found != Found::kRecord) return found;
      at_ -= digits.size();
    }
    uint64_t bits = 0;
    const bool hex = form.kind == Kind::kHex;
    const auto [end, failed] = hex ? std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16)
                                   : std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || (!hex && digits == "-")) return cut();
    if (failed != std::errc() || (hex && end != digits.data() + digits.size())) return Found::kMismatch;
    if (!hex && end == digits.data() + digits.size() && !ended_) return Found::kNeedMore;  // another digit may come
    if (hex) value = static_cast<int64_t>(bits);
    at_ += static_cast<size_t>(end - digits.data());
    return Found::kRecord;
  }
  Found note(Verb verb, int64_t value, std::optional<uint64_t> (&lengths)[3]) {
    if (const Verb of = sized_by(verb); of != Verb::kLiteral) {
      if (value < 0 || static_cast<uint64_t>(value) > kLengthMax)
        return misfit("want a length of at most " + std::to_string(kLengthMax) + " for " + shown(verb) + ", have " + std::to_string(value));
      lengths[index(of)] = static_cast<uint64_t>(value);
    }
    if (verb == Verb::kHeaderCount) {
      if (value < 0 || static_cast<uint64_t>(value) > kHeadersMax)
        return misfit("want at most " + std::to_string(kHeadersMax) + " headers for " + shown(verb) + ", have " + std::to_string(value));
      headers_ = static_cast<size_t>(value);
    }
    if (verb == Verb::kPartition) record_.partition = value;
    if (verb == Verb::kTime) record_.timestamp_ms = value;
    return Found::kRecord;
  }
  Found headers(const std::vector<FormatPiece>& inner) {
    for (size_t n = 0; n < headers_; ++n) {
      InputFormat::Header header;
      header.value = std::string_view();
      if (const Found found = sequence(inner, &header); found != Found::kRecord) return found;
      record_.headers.push_back(header);
    }
    return Found::kRecord;
  }
  Found store(const FormatPiece& piece, std::string_view field, InputFormat::Header* header) {
    if (piece.text != TextForm::kRaw) {
      auto decoded = piece.text == TextForm::kHex ? from_hex(field) : from_base64(field);
      if (!decoded) return at_ -= field.size(), misfit(std::string("want ") + (piece.text == TextForm::kHex ? "hex" : "base64") + " for " + shown(piece.verb));
      if (!record_.decoded) record_.decoded = std::make_unique<std::deque<std::string>>();
      field = record_.decoded->emplace_back(*std::move(decoded));
    }
    if (header != nullptr) (piece.verb == Verb::kKey ? header->key : header->value.emplace()) = field;
    else if (piece.verb == Verb::kTopic) record_.topic = field;
    else if (piece.verb == Verb::kKey) record_.key = field;
    else record_.value = field;
    return Found::kRecord;
  }

  const std::string_view bytes_;
  const bool ended_;
  InputFormat::Record& record_;
  size_t at_ = 0, headers_ = 0;
  std::string why_;  // it does not fit
};

}  // namespace

Result<InputFormat> InputFormat::parse(std::string_view text) {
  InputFormat format;
  if (text == "json") return format.json_ = true, format;
  ION_TRY(format.pieces_, parse_format(text, FormatUse::kRead));
  ION_CHECK(Check(text, format.pieces_, Check::Of::kRecord).run());
  return format;
}

bool InputFormat::reads(Verb verb) const noexcept {
  for (const FormatPiece& piece : pieces_)
    if (piece.verb == verb) return true;
  return false;
}

InputFormat::Step InputFormat::read(std::string_view bytes, Source source) const {
  const bool ended = source == Source::kEnded;
  Step step;
  if (bytes.empty()) {
    step.found = ended ? Found::kEnd : Found::kNeedMore;
    return step;
  }
  Reading reading(bytes, ended, step.record);
  step.found = reading.sequence(pieces_, nullptr);
  if (step.found == Found::kMismatch) step.why = reading.take_why();
  if (step.found == Found::kRecord && reading.used() == 0) step.found = Found::kMismatch, step.why = "it takes nothing of the input, for ever";
  if (step.found != Found::kNeedMore) step.used = reading.used();
  return step;
}

}  // namespace ion::cli
