/* ion.events/1: what happens in the broker. What was there before the subscription is not told: subscribe, then ask. */
#ifndef ION_ABI_HOST_EVENTS_H
#define ION_ABI_HOST_EVENTS_H
#include <ion/abi/types.h>
ION_EXTERN_C_BEGIN

#define ION_EVENTS_ID "ion.events/1"
/* Bits of a mask. A subscriber is told only what its mask names, so a later broker sends nothing that it does not know. */
typedef enum ion_event_kind {
  ION_EVENT_TOPIC_CREATED = 1,
  ION_EVENT_TOPIC_ALTERED = 2, /* other settings, or more partitions */
  ION_EVENT_TOPIC_DELETED = 4,
  ION_EVENT_DRAIN = 8,  /* the broker goes down; plugins are drained behind its clients */
  ION_EVENT_CONFIG = 16 /* the configuration was read again and something in it is in force */
} ion_event_kind;
/* Borrowed for the call. */
typedef struct ion_event {
  uint32_t size, kind;  /* kind: one ion_event_kind */
  ion_bytes topic;      /* of the topic events: its name, */
  uint8_t topic_id[16]; /* its id, big-endian; another topic of that name has another one */
  uint32_t partitions;  /* and how many partitions it has */
  uint32_t reserved;
  ion_bytes keys;       /* of CONFIG: the keys with another value, each ends in a line feed */
} ion_event;
/* On the thread where it happened, one event after the other for each subscription: take what you need and return. It may end its own
 * subscription. */
typedef void (*ion_event_fn)(void* ctx, const ion_event* e) ION_NOEXCEPT;
typedef struct ion_subscription ion_subscription;
typedef struct ion_events {
  uint32_t size, flags;
  /* mask: ion_event_kind, or-ed. *out ends with unsubscribe, or when the instance has drained. OVERLOADED: too many. */
  ION_FN(CONTROL, subscribe, uint32_t mask, ion_event_fn fn, void* ctx, ion_subscription** out);
  ION_RET(ANY, void, unsubscribe, void* self, ion_subscription* s); /* once it has returned, fn does not run and will not */
} ion_events;

ION_EXTERN_C_END
#endif
