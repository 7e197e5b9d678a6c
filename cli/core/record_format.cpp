#include "core/record_format.h"

#include <ion/bytes.h>
#include <ion/record_reader.h>

#include "core/time_text.h"
#include "core/unpack.h"

namespace ion::cli {

namespace {

using Verb = FormatPiece::Verb;
using Kind = NumberForm::Kind;

int64_t size_of(const std::optional<std::string_view>& bytes) { return bytes ? static_cast<int64_t>(bytes->size()) : 0; }

void append_as(int64_t number, const FormatPiece& piece, std::string& to) {
  const NumberForm& form = piece.number;
  static constexpr char kHex[] = "0123456789abcdef";
  const auto bits = static_cast<uint64_t>(number);
  switch (form.kind) {
    case Kind::kDecimal: return append_number(number, to);
    case Kind::kBool: to += number != 0 ? "true" : "false"; return;
    case Kind::kIso: return append_iso({number}, to);
    case Kind::kLayout: return append_time(piece.layout, {number}, to);
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

void append_bytes(std::string_view bytes, const FormatPiece& piece, std::string& to) {
  switch (piece.text) {
    case TextForm::kRaw: to += bytes; return;
    case TextForm::kHex: return append_hex(bytes, to);
    case TextForm::kBase64: return append_base64(bytes, to);
    case TextForm::kUnpack: return append_unpacked(piece.layout, bytes, to);
    case TextForm::kBase64Raw: {
      append_base64(bytes, to);
      while (!bytes.empty() && to.back() == '=') to.pop_back();
      return;
    }
  }
}

void append_attribute(const FormatPiece& piece, uint16_t attributes, std::string& to) {
  static constexpr std::string_view kCodecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  using Attribute = FormatPiece::Attribute;
  const int codec = attributes & batch::kCodecMask;
  const bool number = piece.shown == FormatPiece::Shown::kNumber;
  const auto bit = [&](uint16_t mask, std::string_view set, std::string_view clear) {
    const bool there = (attributes & mask) != 0;
    if (number) append_as(there ? 1 : 0, piece, to);
    else to += there ? set : clear;
  };
  switch (piece.attribute) {
    case Attribute::kCompression:
      if (number || codec >= static_cast<int>(std::size(kCodecs))) append_as(codec, piece, to);
      else to += kCodecs[codec];
      return;
    case Attribute::kTimestampType: return bit(batch::kLogAppendTime, "LogAppendTime", "CreateTime");
    case Attribute::kTransactional: return bit(batch::kTransactional, "true", "false");
    case Attribute::kControl: return bit(batch::kControl, "true", "false");
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
      else if (inner.verb == Verb::kKey) append_bytes(item->key, inner, to);
      else if (inner.verb == Verb::kValue) append_bytes(value, inner, to);
      else append_as(static_cast<int64_t>(inner.verb == Verb::kKeySize ? item->key.size() : value.size()), inner, to);
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
    case Verb::kEpoch: return r.leader_epoch;
    case Verb::kProducer: return r.producer;
    case Verb::kProducerEpoch: return r.producer_epoch;
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
      case Verb::kTopic: append_bytes(r.topic, piece, to); break;
      case Verb::kKey: append_bytes(r.key.value_or(std::string_view()), piece, to); break;
      case Verb::kValue: append_bytes(r.value.value_or(std::string_view()), piece, to); break;
      case Verb::kId: append_id(r, to); break;
      case Verb::kHeaders: append_headers(piece, r, to); break;
      case Verb::kAttribute: append_attribute(piece, r.attributes, to); break;
      default: append_as(number_of(piece.verb, r), piece, to);
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
bool OutputFormat::shows_headers() const noexcept { return shows(Verb::kHeaders, Verb::kHeaderCount); }

}  // namespace ion::cli
