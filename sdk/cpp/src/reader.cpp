#include <ion/client/reader.h>

#include "reader_session.h"

namespace ion::client {

Reader::Reader(std::shared_ptr<ReaderSession> session) : session_(std::move(session)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&& other) noexcept {
  if (this == &other) return *this;
  if (session_) session_->close();
  session_ = std::move(other.session_);
  current_ = std::move(other.current_);
  return *this;
}
Reader::~Reader() {
  if (session_) session_->close();
}

Result<std::optional<RecordSet>> Reader::next_batch(Nanos timeout) { return session_->next(timeout); }

Result<std::optional<Message>> Reader::next(Nanos timeout) {
  for (;;) {
    if (current_) {
      ION_TRY(std::optional<batch::Record> record, current_->next());
      if (record) return std::optional<Message>(Message{current_->partition(), current_->log(), *record});
      current_.reset();
    }
    ION_TRY(current_, session_->next(timeout));
    if (!current_) return std::optional<Message>();
  }
}

bool Reader::finished() const { return !current_ && session_->finished(); }

std::vector<LostPartition> Reader::lost() const { return session_->lost(); }

uint64_t Reader::missed() const { return session_->missed(); }

void Reader::cancel() { session_->cancel(); }

}  // namespace ion::client
