#include "core/record_format.h"

#include <ion/bytes.h>
#include <ion/record_reader.h>

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;
using Kind = NumberForm::Kind;

int64_t size_of(const std::optional<std::string_view>& bytes) { return bytes ? static_cast<int64_t>(bytes->size()) : 0; }

// Days since 1970 to a date of the Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
void append_iso(int64_t ms, std::string& to) {
  int64_t days = ms / 86'400'000, rest = ms % 86'400'000;
  if (rest < 0) rest += 86'400'000, --days;
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097, day_of_era = days - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const auto digits = [&](int64_t n, int64_t width) {
    for (int64_t unit = width == 4 ? 1000 : width == 3 ? 100 : 10; unit > 0; unit /= 10) to += static_cast<char>('0' + n / unit % 10);
  };
  digits(year, 4), to += '-', digits(month, 2), to += '-', digits(day_of_year - (153 * shifted + 2) / 5 + 1, 2), to += 'T';
  digits(rest / 3'600'000, 2), to += ':', digits(rest / 60'000 % 60, 2), to += ':', digits(rest / 1000 % 60, 2), to += '.', digits(rest % 1000, 3), to += 'Z';
}

void append_as(int64_t number, NumberForm form, std::string& to) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto bits = static_cast<uint64_t>(number);
  switch (form.kind) {
    case Kind::kDecimal: return append_number(number, to);
    case Kind::kBool: to += number != 0 ? "true" : "false"; return;
    case Kind::kIso: return append_iso(number, to);
    case Kind::kHex: {
      unsigned width = form.width;
      if (width == 0)
        for (width = 1; width < 16 && bits >> (4 * width) != 0;) ++width;
      for (unsigned i = width; i-- > 0;) to += kHex[bits >> (4 * i) & 15];
      return;
    }
    case Kind::kBig:
      for (unsigned i = form.width; i-- > 0;) to += static_cast<char>(bits >> (8 * i));
      return;
    case Kind::kLittle:
      for (unsigned i = 0; i < form.width; ++i) to += static_cast<char>(bits >> (8 * i));
      return;
  }
}

void append_bytes(std::string_view bytes, TextForm form, std::string& to) {
  switch (form) {
    case TextForm::kRaw: to += bytes; return;
    case TextForm::kHex: return append_hex(bytes, to);
    case TextForm::kBase64: return append_base64(bytes, to);
    case TextForm::kBase64Raw: {
      append_base64(bytes, to);
      while (!bytes.empty() && to.back() == '=') to.pop_back();
      return;
    }
  }
}

void append_headers(const FormatPiece& piece, const RecordView& r, std::string& to) {
  batch::Record encoded;
  encoded.headers = r.headers, encoded.header_count = r.header_count;
  batch::HeaderReader reader(encoded);
  while (const auto item = reader.next()) {
    const std::string_view value = item->value ? text_of(*item->value) : std::string_view();
    for (const FormatPiece& inner : piece.inner) {
      if (inner.verb == Verb::kLiteral) to += inner.literal;
      else if (inner.verb == Verb::kKey) append_bytes(item->key, inner.text, to);
      else if (inner.verb == Verb::kValue) append_bytes(value, inner.text, to);
      else append_as(static_cast<int64_t>(inner.verb == Verb::kKeySize ? item->key.size() : value.size()), inner.number, to);
    }
  }
}

int64_t number_of(Verb verb, const RecordView& r) {
  switch (verb) {
    case Verb::kTopicSize: return static_cast<int64_t>(r.topic.size());
    case Verb::kKeySize: return size_of(r.key);
    case Verb::kValueSize: return size_of(r.value);
    case Verb::kPartition: return r.partition.v;
    case Verb::kOffset: return r.offset.v;
    case Verb::kTime: return r.time.ms;
    case Verb::kHeaderCount: return r.header_count;
    default: return static_cast<int64_t>(r.number);
  }
}

}  // namespace

Result<OutputFormat> OutputFormat::parse(std::string_view text) {
  OutputFormat format;
  ION_TRY(format.pieces_, parse_format(text, FormatUse::kWritten));
  return format;
}

void OutputFormat::write(const RecordView& r, std::string& to) const {
  for (const FormatPiece& piece : pieces_) {
    switch (piece.verb) {
      case Verb::kLiteral: to += piece.literal; break;
      case Verb::kTopic: append_bytes(r.topic, piece.text, to); break;
      case Verb::kKey: append_bytes(r.key.value_or(std::string_view()), piece.text, to); break;
      case Verb::kValue: append_bytes(r.value.value_or(std::string_view()), piece.text, to); break;
      case Verb::kId: append_id(r, to); break;
      case Verb::kHeaders: append_headers(piece, r, to); break;
      default: append_as(number_of(piece.verb, r), piece.number, to);
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

}  // namespace ion::cli
