#include "core/record_text.h"

#include <ion/bytes.h>
#include <ion/message_id.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <charconv>

namespace ion::cli {

namespace {

// Length of the UTF-8 sequence at the head of `s` (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF); 0: none.
size_t utf8_sequence(std::string_view s) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const auto tail = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xbf) { return i < s.size() && at(i) >= low && at(i) <= high; };
  const uint8_t head = at(0);
  if (head < 0x80) return 1;
  if (head >= 0xc2 && head <= 0xdf) return tail(1) ? 2 : 0;
  if (head >= 0xe0 && head <= 0xef)
    return tail(1, head == 0xe0 ? 0xa0 : 0x80, head == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (head >= 0xf0 && head <= 0xf4)
    return tail(1, head == 0xf0 ? 0x90 : 0x80, head == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

// "key": "text"  or, for other bytes,  "key": "base64", "key_encoding": "base64"
void append_field(std::string_view name, std::string_view bytes, std::string& to) {
  append_json_string(name, to);
  to += ':';
  if (is_utf8(bytes)) return append_json_string(bytes, to);
  to += '"';
  append_base64(bytes, to);
  to += "\",\"";
  to += name;
  to += "_encoding\":\"base64\"";
}

void append_varint(int64_t number, std::string& to) {
  uint64_t v = batch::zigzag(number);
  for (; v >= 0x80; v >>= 7) to += static_cast<char>(v | 0x80);
  to += static_cast<char>(v);
}

void append_headers(const RecordView& r, std::string& to) {
  batch::Record encoded;
  encoded.headers = r.headers, encoded.header_count = r.header_count;
  batch::HeaderReader reader(encoded);
  to += ",\"headers\":[";
  for (bool first = true; const auto item = reader.next(); first = false) {
    to += first ? "{" : ",{";
    append_field("key", item->key, to);
    to += ',';
    if (item->value) append_field("value", text_of(*item->value), to);
    else to += "\"value\":null";
    to += '}';
  }
  to += ']';
}

}  // namespace

RecordView view_of(const batch::Record& record, const batch::Header* batch) {
  RecordView view;
  view.offset = record.offset, view.time = record.time;
  if (record.key) view.key = text_of(*record.key);
  if (record.value) view.value = text_of(*record.value);
  view.headers = record.headers, view.header_count = record.header_count;
  if (batch == nullptr) return view;
  view.leader_epoch = batch->leader_epoch.v, view.producer = batch->producer.v, view.producer_epoch = batch->producer_epoch.v;
  view.attributes = batch->attributes;
  return view;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = utf8_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

void append_number(int64_t number, std::string& to) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.append(digits, static_cast<size_t>(end - digits));
}

void append_base64(std::string_view bytes, std::string& to) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](size_t i) { return i < bytes.size() ? static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) : 0u; };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    to += kAlphabet[three >> 18];
    to += kAlphabet[three >> 12 & 63];
    to += i + 1 < bytes.size() ? kAlphabet[three >> 6 & 63] : '=';
    to += i + 2 < bytes.size() ? kAlphabet[three & 63] : '=';
  }
}

void append_hex(std::string_view bytes, std::string& to) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : bytes) (to += kHex[static_cast<uint8_t>(c) >> 4]) += kHex[c & 15];
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.ends_with('=')) {
    if (text.size() % 4 != 0) return std::nullopt;
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const int v = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
    if (v < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(v);
    have += 6;
    if (have >= 8) out += static_cast<char>(bits >> (have -= 8));
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  int high = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (v < 0) return std::nullopt;
    if (i % 2 == 0) high = v;
    else out += static_cast<char>(high * 16 + v);
  }
  return out;
}

void append_header(std::string_view key, std::optional<std::string_view> value, std::string& to) {
  append_varint(static_cast<int64_t>(key.size()), to);
  to += key;
  append_varint(value ? static_cast<int64_t>(value->size()) : -1, to);
  if (value) to += *value;
}

void append_json_string(std::string_view utf8, std::string& to) {
  static constexpr char kHex[] = "0123456789abcdef";
  to += '"';
  size_t plain = 0;  // first byte that is not yet copied
  for (size_t i = 0; i < utf8.size(); ++i) {
    const char c = utf8[i];
    if (static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\') continue;
    to.append(utf8, plain, i - plain);
    plain = i + 1;
    to += '\\';
    if (c == '"' || c == '\\') to += c;
    else if (c == '\n') to += 'n';
    else if (c == '\t') to += 't';
    else if (c == '\r') to += 'r';
    else (to += "u00") += {kHex[static_cast<uint8_t>(c) >> 4], kHex[c & 15]};
  }
  to.append(utf8, plain, utf8.size() - plain);
  to += '"';
}

void append_id(const RecordView& r, std::string& to) {
  if (r.offset.v >= 0) to += message_id::make(r.time, r.offset, r.log).text();
}

void append_json_line(const RecordView& r, std::string& to) {
  to += "{\"topic\":";
  append_json_string(r.topic, to);
  to += ",\"partition\":";
  append_number(r.partition.v, to);
  to += ",\"offset\":";
  append_number(r.offset.v, to);
  to += ",\"timestamp\":";
  append_number(r.time.ms, to);
  to += ",\"id\":\"";
  append_id(r, to);
  to += '"';
  if (r.key) {
    to += ',';
    append_field("key", *r.key, to);
  }
  to += ',';
  if (r.value) append_field("value", *r.value, to);
  else to += "\"value\":null";
  append_headers(r, to);
  to += "}\n";
}

}  // namespace ion::cli
