// A format's text to pieces: the same grammar for both directions, with what each of them offers.
#include <charconv>

#include "core/record_format.h"

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;

constexpr std::string_view kWritten = "tkvTKVpoduHhi";
constexpr std::string_view kRead = "tkvTKVHhpdoi";
constexpr std::string_view kOfHeaders = "kvKV";
constexpr std::string_view kLater = "exyaDAS[]|";  // known, but not offered yet
constexpr std::string_view kTexts = "tkv";
constexpr uint64_t kFixedMax = 64 << 20;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct NamedNumber {
  std::string_view name;
  NumberForm form;
};
using Kind = NumberForm::Kind;
constexpr NamedNumber kNumbers[] = {
    {"ascii", {}}, {"number", {}}, {"hex", {Kind::kHex, 0}}, {"hex64", {Kind::kHex, 16}}, {"hex32", {Kind::kHex, 8}}, {"hex16", {Kind::kHex, 4}},
    {"hex8", {Kind::kHex, 2}}, {"hex4", {Kind::kHex, 1}}, {"big64", {Kind::kBig, 8}}, {"big32", {Kind::kBig, 4}}, {"big16", {Kind::kBig, 2}},
    {"big8", {Kind::kBig, 1}}, {"byte", {Kind::kBig, 1}}, {"little64", {Kind::kLittle, 8}}, {"little32", {Kind::kLittle, 4}},
    {"little16", {Kind::kLittle, 2}}, {"little8", {Kind::kLittle, 1}}, {"bool", {Kind::kBool, 0}}, {"iso", {Kind::kIso, 0}},
};

class Parser {
 public:
  Parser(std::string_view text, FormatUse use) : text_(text), use_(use) {}

  Result<std::vector<FormatPiece>> run() { return sequence(use_ == FormatUse::kWritten ? kWritten : kRead, Level::kOuter); }

 private:
  enum class Level { kOuter, kHeader };

  Result<std::vector<FormatPiece>> sequence(std::string_view verbs, Level level) {
    std::vector<FormatPiece> pieces;
    while (at_ < text_.size()) {
      if (level == Level::kHeader && text_[at_] == '}') return pieces;
      if (text_[at_] == '%') {
        ION_CHECK(verb(verbs, pieces));
      } else if (text_[at_] == '\\') {
        ION_CHECK(escape(pieces));
      } else {
        literal(text_[at_++], pieces);
      }
    }
    if (level == Level::kHeader) return wrong(text_.size() - 1, 1, "format: the } of %h{ is missing");
    return pieces;
  }

  static void literal(char c, std::vector<FormatPiece>& pieces) {
    if (pieces.empty() || pieces.back().verb != Verb::kLiteral) pieces.emplace_back();
    pieces.back().literal += c;
  }
  Status wrong(size_t at, size_t width, const std::string& what) const { return format_mistake(text_, at, width, what); }

  Status verb(std::string_view verbs, std::vector<FormatPiece>& pieces) {
    const size_t began = at_;
    if (at_ + 1 == text_.size()) return wrong(began, 1, "format: % at the end; a percent sign is %%");
    const char c = text_[at_ + 1];
    at_ += 2;
    if (c == '%' || c == '{' || c == '}') return literal(c, pieces), Status();
    const std::string shown{'%', c};
    if (verbs.find(c) == std::string_view::npos) {
      const bool known = kWritten.find(c) != std::string_view::npos || kLater.find(c) != std::string_view::npos;
      const std::string where = use_ == FormatUse::kWritten ? "is written" : "is read";
      return wrong(began, 2, "format: " + (known ? shown + " is not offered here in what " + where : "unknown verb " + shown) + "; there are " + listed(verbs));
    }
    FormatPiece piece;
    piece.verb = static_cast<Verb>(c);
    const bool braces = at_ < text_.size() && text_[at_] == '{';
    if (piece.verb == Verb::kHeaders) {
      if (!braces) return wrong(began, 2, "format: want the format of a header behind it, as in %h{%k=%v }");
      ++at_;
      ION_TRY(piece.inner, sequence(kOfHeaders, Level::kHeader));
      ++at_;
    } else if (braces) {
      ION_CHECK(modifier(piece, shown));
    }
    pieces.push_back(std::move(piece));
    return {};
  }

  Status modifier(FormatPiece& piece, const std::string& shown) {
    const size_t began = at_, end = text_.find('}', at_);
    if (end == std::string_view::npos) return wrong(began, 1, "format: the } of a modifier is missing; a literal brace is %{");
    const std::string_view name = text_.substr(began + 1, end - began - 1);
    at_ = end + 1;
    if (kTexts.find(static_cast<char>(piece.verb)) != std::string_view::npos) {
      if (name == "hex") return piece.text = TextForm::kHex, Status();
      if (name == "base64") return piece.text = TextForm::kBase64, Status();
      if (name == "base64raw") return piece.text = TextForm::kBase64Raw, Status();
      return wrong(began, end + 1 - began, "format: modifiers of " + shown + " are hex, base64, base64raw");
    }
    uint64_t fixed = 0;
    const auto [stop, failed] = std::from_chars(name.data(), name.data() + name.size(), fixed);
    if (use_ == FormatUse::kRead && failed == std::errc() && stop == name.data() + name.size() && fixed <= kFixedMax) return piece.fixed = fixed, Status();
    for (const NamedNumber& number : kNumbers) {
      if (number.name != name || piece.verb == Verb::kId) continue;
      const bool written_only = number.form.kind == Kind::kIso || (number.form.kind == Kind::kHex && number.form.width == 0);
      if ((number.form.kind == Kind::kIso && piece.verb != Verb::kTime) || (written_only && use_ == FormatUse::kRead)) continue;
      piece.number = number.form;
      return {};
    }
    return wrong(began, end + 1 - began, "format: " + shown + " has no such modifier here; numbers have ascii hex64 hex32 hex16 hex8 hex4 big64 big32 big16 "
                                         "little64 little32 little16 byte bool");
  }

  Status escape(std::vector<FormatPiece>& pieces) {
    const size_t began = at_;
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const bool ended = at_ + 1 == text_.size();
    at_ += 2;
    if (ended) return wrong(began, 1, "format: \\ at the end; a backslash is \\\\");
    static constexpr std::string_view kNames = "tnr\\0";
    static constexpr std::string_view kBytes{"\t\n\r\\\0", 5};
    if (const size_t i = kNames.find(c); i != std::string_view::npos) return literal(kBytes[i], pieces), Status();
    const int high = c == 'x' && at_ + 1 < text_.size() ? hex_digit(text_[at_]) : -1;
    const int low = high >= 0 ? hex_digit(text_[at_ + 1]) : -1;
    if (low < 0) return wrong(began, 2, std::string("format: \\") + c + " is no escape; there are \\t \\n \\r \\\\ \\0 \\xNN");
    at_ += 2;
    return literal(static_cast<char>(high * 16 + low), pieces), Status();
  }

  static std::string listed(std::string_view verbs) {
    std::string out;
    for (const char c : verbs) (out += '%') += {c, ' '};
    return out + "%%";
  }

  const std::string_view text_;
  const FormatUse use_;
  size_t at_ = 0;
};

}  // namespace

// Bytes that would break the line are shown as dots.
Status format_mistake(std::string_view format, size_t at, size_t width, const std::string& what) {
  std::string shown;
  for (const char c : format) shown += static_cast<uint8_t>(c) < 0x20 ? '.' : c;
  return Status(ION_E_INVALID, what + "\n  " + shown + "\n  " + std::string(at, ' ') + std::string(width, '^'));
}

Result<std::vector<FormatPiece>> parse_format(std::string_view text, FormatUse use) { return Parser(text, use).run(); }

}  // namespace ion::cli
