// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/need_desk.hpp"

#include <utility>

#include "core/codec/messages.hpp"
#include "core/subject.hpp"

namespace sluice::hub {

namespace {
// The models of one hub look at it once a minute, each in its own time.
constexpr std::uint64_t kSameChangeNs = 300'000'000'000;
}  // namespace

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

void NeedDesk::hub_changed(const std::string& hub_stream, const std::string& created) {
  const std::uint64_t now = clock_.monotonic_ns();
  const std::lock_guard lock(mutex_);
  const auto [known, is_first] = changes_.try_emplace(hub_stream, Change{created, now});
  const bool is_same =
      known->second.created == created && now - known->second.found_ns < kSameChangeNs;
  if (!is_first && is_same) return;
  known->second = {created, now};
  is_change_due_ = true;
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

// A gateway that is not connected looks when it connects.
core::Result<void> NeedDesk::publish_changes(
    nats::Connection& connection, const std::function<std::vector<std::string>()>& gateways) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(is_change_due_, false)) return {};
  }
  const auto all = gateways();
  for (const std::string& gateway : all) {
    auto told = connection.publish(core::need_subject(gateway), codec::kHubChanged);
    if (told) continue;
    const std::lock_guard lock(mutex_);
    is_change_due_ = true;  // all of them again, with the next connection
    return told;
  }
  log_.info("need", "a hub stream changed: told the gateways to look",
            {{"gateways", std::to_string(all.size())}});
  return {};
}

}  // namespace sluice::hub
