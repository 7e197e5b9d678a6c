// Requests and answers of the record side as bytes, apart from the batches themselves (core/wire.h).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/metadata_cache.h"
#include "core/producer_types.h"
#include "core/reader_core.h"

namespace ion::client::codec {

Result<produce::IdentityArrived> decode_identity(std::string_view bytes);
Result<std::vector<produce::Ack>> decode_acks(std::string_view bytes);

std::string encode_metadata_request(std::string_view topic);  // empty: all topics
Result<ClusterMetadata> decode_metadata(std::string_view bytes);

std::string encode_subscribe(std::string_view topic, const read::Subscribe& subscribe, uint64_t frame_bytes_max);
std::string encode_credit(std::string_view session, uint64_t bytes);

}  // namespace ion::client::codec
