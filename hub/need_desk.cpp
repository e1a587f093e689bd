// SPDX-License-Identifier: Apache-2.0
#include "hub/need_desk.hpp"

#include "core/codec/messages.hpp"
#include "core/subject.hpp"

namespace sluice::hub {

core::Result<void> NeedDesk::saw(std::string_view consumer, const std::vector<MissingRange>& holes,
                                 std::uint64_t position,
                                 const std::function<core::Result<std::uint64_t>()>& hub_last) {
  {
    const std::lock_guard lock(mutex_);
    if (tracker_.knows(consumer, holes)) {
      tracker_.progress(consumer, position, clock_.monotonic_ns());
      return {};
    }
  }
  std::uint64_t last = position;
  if (!holes.empty()) {
    const auto asked = hub_last();  // a question to the server: not under the lock
    if (!asked) return asked.error();
    last = *asked;
  }
  const std::lock_guard lock(mutex_);
  tracker_.observe(consumer, holes, position, last, clock_.monotonic_ns());
  return {};
}

void NeedDesk::forget(std::string_view consumer) {
  const std::lock_guard lock(mutex_);
  tracker_.forget(consumer);
}

core::Result<void> NeedDesk::publish_due(nats::Connection& connection) {
  std::vector<MissingRange> due;
  {
    const std::lock_guard lock(mutex_);
    due = tracker_.due(clock_.monotonic_ns());
  }
  for (const MissingRange& hole : due) {
    const codec::Need need{hole.epoch, hole.lane, hole.from, hole.to};
    SLUICE_TRY(connection.publish(core::need_subject(hole.gateway), codec::encode_need(need)));
    ++published_;
    log_.info("need", "asked a gateway for what is missing",
              {{"gateway", hole.gateway},
               {"epoch", hole.epoch.text()},
               {"lane", std::string(core::lane_name(hole.lane))},
               {"from", std::to_string(hole.from)},
               {"to", std::to_string(hole.to)}});
  }
  return {};
}

}  // namespace sluice::hub
