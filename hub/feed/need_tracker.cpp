// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/need_tracker.hpp"

#include <algorithm>

namespace sluice::hub {
namespace {

bool same_lane(const MissingRange& a, const MissingRange& b) {
  return a.gateway == b.gateway && a.epoch == b.epoch && a.lane == b.lane;
}

bool overlap(core::Seq a_from, core::Seq a_to, core::Seq b_from, core::Seq b_to) {
  return a_from <= b_to && b_from <= a_to;
}

}  // namespace

void NeedTracker::observe(std::string_view consumer, const std::vector<MissingRange>& holes,
                          std::uint64_t position, std::uint64_t hub_last, std::uint64_t now_ns) {
  auto& known = watched_[std::string(consumer)];
  std::vector<Watched> next;
  next.reserve(holes.size());
  for (const MissingRange& hole : holes) {
    Watched entry{hole, hub_last, std::nullopt};
    const auto old = std::find_if(known.begin(), known.end(), [&](const Watched& seen) {
      return same_lane(seen.hole, hole) &&
             overlap(seen.hole.from, seen.hole.to, hole.from, hole.to);
    });
    if (old != known.end()) {
      entry.mark = old->mark;
      entry.read_up_ns = old->read_up_ns;
    }
    next.push_back(std::move(entry));
  }
  known = std::move(next);
  progress(consumer, position, now_ns);
}

void NeedTracker::progress(std::string_view consumer, std::uint64_t position,
                           std::uint64_t now_ns) {
  const auto found = watched_.find(consumer);
  if (found == watched_.end()) return;
  for (Watched& entry : found->second)
    if (!entry.read_up_ns && position >= entry.mark) entry.read_up_ns = now_ns;
}

void NeedTracker::forget(std::string_view consumer) {
  if (const auto found = watched_.find(consumer); found != watched_.end()) watched_.erase(found);
}

bool NeedTracker::knows(std::string_view consumer, const std::vector<MissingRange>& holes) const {
  const auto found = watched_.find(consumer);
  if (found == watched_.end()) return false;
  return std::equal(
      found->second.begin(), found->second.end(), holes.begin(), holes.end(),
      [](const Watched& entry, const MissingRange& hole) { return entry.hole == hole; });
}

std::vector<MissingRange> NeedTracker::due(std::uint64_t now_ns) {
  drop_closed();
  std::vector<MissingRange> out;
  for (const auto& [consumer, entries] : watched_)
    for (const Watched& entry : entries)
      if (entry.read_up_ns && now_ns - *entry.read_up_ns >= kPatienceNs &&
          is_due(entry.hole, now_ns))
        out.push_back(entry.hole);
  return out;
}

// A range already asked for waits for its back-off; any other is due at once.
bool NeedTracker::is_due(const MissingRange& hole, std::uint64_t now_ns) {
  auto& asked = asked_[LaneKey{hole.gateway, hole.epoch, hole.lane}];
  const auto before = std::find_if(asked.begin(), asked.end(), [&](const Asked& entry) {
    return overlap(entry.from, entry.to, hole.from, hole.to);
  });
  if (before == asked.end()) {
    asked.push_back(
        {hole.from, hole.to, hole.from, now_ns, now_ns + kBackoffFirstNs, kBackoffFirstNs});
    return true;
  }
  // Part of it came, so somebody answers: a back-off would only delay the rest. The lowest seq
  // counts, since consumers that stand apart see different parts of one hole.
  if (hole.from > before->reached) {
    before->reached = hole.from;
    before->backoff_ns = 0;
    before->again_ns = std::min(before->again_ns, before->asked_ns + kBackoffFirstNs);
  }
  if (now_ns < before->again_ns) return false;
  before->from = hole.from;
  before->to = hole.to;
  before->backoff_ns = std::clamp(before->backoff_ns * 2, kBackoffFirstNs, kBackoffLastNs);
  before->asked_ns = now_ns;
  before->again_ns = now_ns + before->backoff_ns;
  return true;
}

void NeedTracker::drop_closed() {
  const auto is_seen = [&](const LaneKey& lane, const Asked& asked) {
    const auto& [gateway, epoch, name] = lane;
    for (const auto& [consumer, entries] : watched_)
      for (const Watched& entry : entries)
        if (entry.hole.gateway == gateway && entry.hole.epoch == epoch && entry.hole.lane == name &&
            overlap(asked.from, asked.to, entry.hole.from, entry.hole.to))
          return true;
    return false;
  };
  for (auto lane = asked_.begin(); lane != asked_.end();) {
    std::erase_if(lane->second, [&](const Asked& asked) { return !is_seen(lane->first, asked); });
    lane = lane->second.empty() ? asked_.erase(lane) : std::next(lane);
  }
}

}  // namespace sluice::hub
