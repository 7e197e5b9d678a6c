// A line of JSON as a record of produce: what consume writes can be read again. `key`, `value` and the values of `headers` may be null,
// which is not the same as empty; `X_encoding` "base64" says that X is bytes. `topic`, `partition` and `timestamp` are taken; `offset` and
// `id` belong to where the record came from and are passed over. Any other name is a mismatch, whose `why` names the key. Pure.
#pragma once
#include "core/record_format.h"

namespace ion::cli {

// As InputFormat::read: blank lines are passed over.
InputFormat::Step read_json_line(std::string_view bytes, InputFormat::Source source);

}  // namespace ion::cli
