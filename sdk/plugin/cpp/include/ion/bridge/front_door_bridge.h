// ion.front_door/1, both directions. Exported: `self` is the ion::FrontDoor itself (a host service, not a plugin's contract).
#pragma once
#include <ion/abi/host.h>
#include <ion/contract/front_door.h>

#include <exception>

namespace ion {

namespace detail {
template <auto Verb, class Req, class Ans>
ion_status front_door_op(void* self, const Req* r, Ans* a, const ion_op* raw, ion_result* now) noexcept {
  Op op(*raw, *now);
  try {
    return (static_cast<FrontDoor*>(self)->*Verb)(op, *r, *a).code();
  } catch (const std::exception& e) {
    return op.taken() ? ION_PENDING : Status(ION_E_EXCEPTION, e.what()).to(now->err);
  } catch (...) {
    return op.taken() ? ION_PENDING : Status(ION_E_EXCEPTION, "the front door threw").to(now->err);
  }
}
inline ion_status front_door_cancel(void* self, uint64_t id) noexcept { return static_cast<FrontDoor*>(self)->cancel(id).code(); }
inline ion_status front_door_partition_of(void* self, const ion_partition_req* r, ion_partition_answer* a) noexcept {
  try {
    return static_cast<FrontDoor*>(self)->partition_of(*r, *a).code();
  } catch (...) {
    return ION_E_EXCEPTION;
  }
}
inline ion_status front_door_health(void* self, uint32_t* out) noexcept {
  *out = static_cast<FrontDoor*>(self)->health();
  return ION_OK;
}
}  // namespace detail

inline constexpr ion_front_door export_front_door{
    sizeof(ion_front_door),
    0,
    &detail::front_door_op<&FrontDoor::produce, ion_produce_req, ion_produce_answer>,
    &detail::front_door_op<&FrontDoor::fetch, ion_fetch_req, ion_fetch_answer>,
    &detail::front_door_cancel,
    &detail::front_door_op<&FrontDoor::offset_for, ion_offset_req, ion_offset_answer>,
    &detail::front_door_partition_of,
    &detail::front_door_op<&FrontDoor::init_producer, ion_producer_req, ion_producer_answer>,
    &detail::front_door_op<&FrontDoor::metadata, ion_topic_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::topic_create, ion_topic_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::topic_list, ion_topic_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::topic_describe, ion_topic_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::topic_delete, ion_topic_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::plugin_list, ion_plugin_req, ion_admin_answer>,
    &detail::front_door_op<&FrontDoor::cluster_info, ion_cluster_req, ion_cluster_answer>,
    &detail::front_door_health,
};

class ImportedFrontDoor final : public FrontDoor {
 public:
  explicit ImportedFrontDoor(ion_ref ref) : t_(static_cast<const ion_front_door*>(ref.table)), self_(ref.self) {}

#define ION_FORWARD(verb, Req, Ans)                                                              \
  Answer verb(Op& op, const Req& r, Ans& a) override {                                           \
    if (!ION_HAS(t_, verb)) return op.refuse(missing(#verb));                                    \
    return op.passed(t_->verb(self_, &r, &a, &op.raw(), &op.now()));                             \
  }
  ION_FORWARD(produce, ion_produce_req, ion_produce_answer)
  ION_FORWARD(fetch, ion_fetch_req, ion_fetch_answer)
  ION_FORWARD(offset_for, ion_offset_req, ion_offset_answer)
  ION_FORWARD(init_producer, ion_producer_req, ion_producer_answer)
  ION_FORWARD(metadata, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_create, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_list, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_describe, ion_topic_req, ion_admin_answer)
  ION_FORWARD(topic_delete, ion_topic_req, ion_admin_answer)
  ION_FORWARD(plugin_list, ion_plugin_req, ion_admin_answer)
  ION_FORWARD(cluster_info, ion_cluster_req, ion_cluster_answer)
#undef ION_FORWARD
  Status cancel(uint64_t op_id) override {
    return ION_HAS(t_, cancel) ? Status::from(t_->cancel(self_, op_id), nullptr) : missing("cancel");
  }
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override {
    return ION_HAS(t_, partition_of) ? Status::from(t_->partition_of(self_, &r, &a), nullptr) : missing("partition_of");
  }
  ion_health health() override {
    uint32_t out = ION_HEALTH_FAILED;
    if (ION_HAS(t_, health)) (void)t_->health(self_, &out);
    return static_cast<ion_health>(out);
  }

 private:
  static Status missing(const char* verb) { return {ION_E_UNSUPPORTED, std::string("this kernel's ion.front_door/1 has no ") + verb}; }
  const ion_front_door* t_;
  void* self_;
};

}  // namespace ion
