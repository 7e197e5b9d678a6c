// A format's text to pieces: the same grammar for both directions, with what each of them offers.
#include <algorithm>
#include <charconv>

#include "core/record_format.h"
#include "core/time_text.h"
#include "core/unpack.h"

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;

constexpr std::string_view kWritten = "tkvTKVpoexyaduHhi";
constexpr std::string_view kRead = "tkvTKVHhpdoexy";
constexpr std::string_view kOfHeaders = "kvKV";
constexpr std::string_view kLater = "DAS[]|";  // known, but not offered yet
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

struct NamedAttribute {
  std::string_view name;
  FormatPiece::Attribute attribute;
};
constexpr NamedAttribute kAttributes[] = {{"compression", FormatPiece::Attribute::kCompression}, {"timestamp-type", FormatPiece::Attribute::kTimestampType},
                                          {"transactional-bit", FormatPiece::Attribute::kTransactional}, {"control-bit", FormatPiece::Attribute::kControl}};
constexpr std::string_view kWithArgument[] = {"unpack", "strftime", "re", "go"};

struct Field {
  char verb;
  std::string_view written, read;  // what it means in each direction
};
constexpr Field kFields[] = {
    {'t', "topic", "topic, where the line says it"},
    {'k', "key; nothing when it has none", "key"},
    {'v', "value; nothing when it has none", "value"},
    {'T', "length of the topic in bytes", "length of the topic, before %t; %T{4} is a length that reads nothing"},
    {'K', "length of the key", "length of the key, before %k"},
    {'V', "length of the value", "length of the value, before %v"},
    {'p', "partition", "partition to put it into"},
    {'o', "offset", "offset: read and ignored"},
    {'d', "timestamp, ms since 1970 (UTC)", "timestamp, ms since 1970 (UTC)"},
    {'u', "id, as ion get takes it", ""},
    {'H', "number of headers", "number of headers, before %h"},
    {'h', "%h{%k=%v }: each header in that form", "%h{%K%k%V%v}: each header, its fields with their lengths before"},
    {'i', "counter from 1", ""},
    {'e', "leader epoch", "leader epoch: read and ignored"},
    {'x', "producer id", "producer id: read and ignored"},
    {'y', "producer epoch", "producer epoch: read and ignored"},
    {'a', "%a{compression}, timestamp-type, transactional-bit or control-bit: of its batch; {compression;ascii} is a number", ""},
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
      if (piece.inner.empty()) return wrong(began, at_ - began, "format: %h{} " + std::string(use_ == FormatUse::kWritten ? "writes" : "reads") + " nothing; want the format of a header in it");
    } else if (piece.verb == Verb::kAttribute) {
      ION_CHECK(attribute(piece));
    } else if (braces) {
      ION_CHECK(modifier(piece, shown));
    }
    pieces.push_back(std::move(piece));
    return {};
  }

  // %a{NAME} or %a{NAME;NUMBER FORM}
  Status attribute(FormatPiece& piece) {
    const size_t began = at_ - 2, end = std::min(text_.find('}', at_), text_.size());
    std::string_view name = end < text_.size() && text_[at_] == '{' ? text_.substr(at_ + 1, end - at_ - 1) : "", form = "ascii";
    if (const size_t mark = name.find(';'); mark != std::string_view::npos) {
      form = name.substr(mark + 1), name = name.substr(0, mark);
      piece.shown = FormatPiece::Shown::kNumber;
    }
    at_ = std::min(end + 1, text_.size());
    const auto named = std::find_if(std::begin(kAttributes), std::end(kAttributes), [&](const NamedAttribute& a) { return a.name == name; });
    const auto number = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const NamedNumber& n) { return n.name == form && n.form.kind != Kind::kIso; });
    if (named == std::end(kAttributes) || number == std::end(kNumbers))
      return wrong(began, at_ - began, "format: want %a{compression}, {timestamp-type}, {transactional-bit} or {control-bit}, or a number of it as in %a{compression;ascii}");
    piece.attribute = named->attribute, piece.number = number->form;
    return {};
  }

  // A modifier with an argument between n equal openers and n closers.
  Status layout(FormatPiece& piece, const std::string& shown, std::string_view name) {
    const size_t began = at_, opens = at_ + 1 + name.size();
    const char opener = text_[opens], closer = opener == '[' ? ']' : opener == '{' ? '}' : opener == '(' ? ')' : opener;
    const size_t begin = std::min(text_.find_first_not_of(opener, opens), text_.size());
    const std::string ending = std::string(begin - opens, closer) + "}";
    const size_t end = text_.find(ending, begin);
    if (end == std::string_view::npos) return wrong(began, begin - began, "format: the argument has no end; want " + ending);
    if (end == begin) return wrong(began, end + ending.size() - began, "format: " + std::string(name) + " has an empty layout");
    piece.layout = text_.substr(begin, end - begin);
    at_ = end + ending.size();
    const bool is_text = kTexts.find(static_cast<char>(piece.verb)) != std::string_view::npos, written = use_ == FormatUse::kWritten;
    if (written && is_text && name == "unpack") {
      piece.text = TextForm::kUnpack;
      const size_t bad = unknown_in_unpack_layout(piece.layout);
      return bad == std::string::npos ? Status() : wrong(begin + bad, 1, "format: no letter of unpack; there are b B h H i I q Q c . s x $ < >");
    }
    if (written && piece.verb == Verb::kTime && name == "strftime") {
      piece.number.kind = Kind::kLayout;
      const size_t bad = unknown_in_time_layout(piece.layout);
      return bad == std::string::npos ? Status() : wrong(begin + std::min(bad, piece.layout.size() - 1), 1, "format: no letter of strftime here; there are " + listed(kTimeLetters));
    }
    return wrong(began, at_ - began, "format: " + std::string(name) + " is not offered for " + shown + " in what is " + (written ? "written" : "read"));
  }

  Status modifier(FormatPiece& piece, const std::string& shown) {
    const std::string_view behind = text_.substr(at_ + 1);
    for (const std::string_view name : kWithArgument) {
      const char next = behind.size() > name.size() ? behind[name.size()] : '}';
      const bool more = (next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') || next == '}';
      if (behind.starts_with(name) && !more) return layout(piece, shown, name);
    }
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
    for (const char c : verbs)
      if (c != '%') (out += '%') += {c, ' '};
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

std::string fields_help(FormatUse use) {
  const bool written = use == FormatUse::kWritten;
  std::string out;
  for (const Field& f : kFields)
    if ((written ? kWritten : kRead).find(f.verb) != std::string_view::npos) out += std::string("  %") + f.verb + "  " + std::string(written ? f.written : f.read) + "\n";
  out += "  %% %{ %}  these characters;  \\t \\n \\r \\\\ \\0 \\xNN  as in C\n";
  if (written)
    return out + "Forms, as in %v{hex}: of bytes hex, base64, base64raw, unpack[>Hs]; of numbers ascii, hex, hex64 to hex4, big64 to big8,\n"
                 "little64 to little8, byte, bool; of %d also iso and strftime[%F %T].\n";
  return out + "A field without a length ends where the text behind it begins. Forms, as in %v{hex}: of bytes hex, base64; of numbers ascii,\n"
               "hex64 to hex4, big64 to big8, little64 to little8, byte, bool.\n";
}

Result<std::vector<FormatPiece>> parse_format(std::string_view text, FormatUse use) { return Parser(text, use).run(); }

}  // namespace ion::cli
