// One record by its id.
#include <ion/client/client.h>

#include "ionstream/v1/broker.pb.h"
#include "parse_answer.h"
#include "runtime.h"

namespace ion::client {

namespace pb = ionstream::v1;

Result<FoundRecord> Client::get_record(const Uuid& id, Nanos timeout) {
  pb::GetRecordRequest m;
  m.set_id(id.text());
  ION_TRY(const std::string bytes, runtime_->call({"/ionstream.v1.Broker/GetRecord", m.SerializeAsString(), timeout}, Repeat::kSafe));
  ION_TRY(const auto got, parse_answer<pb::GetRecordResponse>(bytes));
  const RecordSet::Range range{{got.offset()}, {got.offset() + 1}};
  return FoundRecord{got.topic(), RecordSet({got.partition()}, {got.log_id() & kLogIdMax}, Buf::copy(span_of(got.records())), range)};
}

}  // namespace ion::client
