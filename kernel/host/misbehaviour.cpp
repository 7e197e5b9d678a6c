#include "host/misbehaviour.h"

namespace ion::host {

void Misbehaviour::count(const Status& why) {
  const std::lock_guard lock(mutex_);
  ++record_.faults;
  if (why.code() == ION_E_EXCEPTION) ++record_.exceptions;
  record_.last_error = why.text();
}

Record Misbehaviour::record() const {
  const std::lock_guard lock(mutex_);
  return record_;
}

}  // namespace ion::host
