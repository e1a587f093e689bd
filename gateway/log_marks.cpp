// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_marks.hpp"

#include <cstring>

#include "gateway/own_event.hpp"
#include "rpc/pack.hpp"

namespace sluice::gateway {

void MarkSchedule::start(core::Seq last, std::uint64_t now_ns) {
  marked_ = last;
  since_ns_ = now_ns;
}

bool MarkSchedule::due(core::Seq last, std::uint64_t now_ns) const {
  if (last <= marked_) return false;
  if (last - marked_ >= kEventsMax) return true;
  const auto interval = std::chrono::duration_cast<std::chrono::nanoseconds>(interval_).count();
  return now_ns - since_ns_ >= static_cast<std::uint64_t>(interval);
}

// The marks themselves are no reason for the next mark: an idle gateway stays silent.
core::Seq LogMarks::last_of(core::Lane lane, core::Seq last) const {
  return lane == core::Lane::kSystem ? last - std::min<core::Seq>(last, marks_) : last;
}

void LogMarks::start() {
  for (const core::Lane lane : core::kLanes) {
    schedules_.emplace_back(desk_.settings().log.mark_interval);
    schedules_.back().start(last_of(lane, desk_.log().chain_mark(lane).seq), clock_.monotonic_ns());
  }
  for (const storage::SalvagedSegment& salvaged : desk_.log().start_report().salvaged)
    tell(salvaged);
}

// The id follows from what it tells, so that a start which was killed before it could note that the
// event is stored does not tell it twice.
void LogMarks::tell(const storage::SalvagedSegment& salvaged) {
  rpc::Packer data;
  data.map(6).text("file").text(salvaged.file).text("first").unsigned_integer(salvaged.first);
  data.text("last").unsigned_integer(salvaged.last);
  data.text("kept").unsigned_integer(salvaged.kept);
  data.text("lost").unsigned_integer(salvaged.lost).text("reason").text(salvaged.reason);
  storage::AppendRequest request;
  request.own = true;
  storage::NewEvent event;
  event.stream = core::lane_stream(salvaged.lane);
  event.type = "SegmentSalvaged";
  event.data = data.take();
  const auto digest = core::chain_next({}, event.stream.text() + event.data);
  std::memcpy(event.id.emplace().bytes.data(), digest.data(), event.id->bytes.size());
  request.events.push_back(std::move(event));
  desk_.append(
      std::move(request),
      [this, salvaged](const core::Result<std::vector<storage::Appended>>& stored) {
        const auto noted =
            stored ? desk_.log().salvage_told(salvaged) : core::Result<void>(stored.error());
        if (!noted)
          logger_.warning("sluiced", "a salvaged segment is told of again at the next start",
                          {{"error", core::to_string(noted.error())}});
      },
      [] {});
}

void LogMarks::tick() {
  mark(false);
}
void LogMarks::stop() {
  mark(true);
}

void LogMarks::mark(bool all) {
  if (schedules_.empty() || !desk_.is_open() || !desk_.log().failure().empty()) return;
  const std::uint64_t now_ns = clock_.monotonic_ns();
  std::uint64_t made = 0;
  for (const core::Lane lane : core::kLanes) {
    const codec::ChainMark mark = desk_.log().chain_mark(lane);
    MarkSchedule& schedule = schedules_[core::index(lane)];
    const core::Seq last = last_of(lane, mark.seq);
    if (all ? !schedule.advanced(last) : !schedule.due(last, now_ns)) continue;
    schedule.made(last, now_ns);
    append_own_event(desk_, core::lane_stream(lane).entity, codec::kTypeChainMark,
                     codec::encode_chain_mark(mark));
    ++made;
  }
  marks_ += made;
}

}  // namespace sluice::gateway
