// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_desk.hpp"

#include <algorithm>
#include <thread>

#include "gateway/event_input.hpp"
#include "storage/log_reader.hpp"

namespace sluice::gateway {
namespace {

core::Error not_open() {
  return core::fail(core::Errc::kUnavailable,
                    "the log is not open (sluiced is starting or ending)");
}

}  // namespace

LogDesk::LogDesk(const Settings& settings, IoQueue& queue)
    : settings_(settings),
      queue_(queue),
      admission_(static_cast<std::size_t>(settings.log.queue_events_max),
                 settings.log.queue_bytes_max),
      reader_(settings.log_folder(), queue) {}

void LogDesk::open(std::unique_ptr<storage::EventLog> log) {
  log_ = std::move(log);
  log_->on_commit([this] { ring(); });
  reader_.use(log_.get());
  tell_where_the_hub_is();
}

void LogDesk::stop() {
  if (log_ != nullptr) log_->stop();
}

// On the writer's thread: one piece of work at a time is enough, it looks at all there is.
void LogDesk::ring() {
  if (ringing_.exchange(true)) return;
  queue_.push([this] {
    ringing_ = false;
    for (const auto& bell : bells_) bell();
  });
}

// An append between its admission and its answer.
struct LogDesk::Work {
  storage::AppendRequest request;
  Answer answer;
  std::function<void()> started;
  std::function<void()> queued;
  Admission::Cost cost;
  bool waited = false;
  bool refused = false;  // inside EventLog::append, on this thread
};

bool LogDesk::append(storage::AppendRequest request, Answer answer, std::function<void()> started,
                     std::function<void()> queued) {
  if (log_ == nullptr) {
    answer(not_open());
    return true;
  }
  const Admission::Cost cost{request.events.size(), cost_bytes(request)};
  const auto work = std::make_shared<Work>(
      Work{std::move(request), std::move(answer), std::move(started), std::move(queued), cost});
  const bool now = admission_.enter(cost, [this, work] { hand_in(work); });
  work->waited = !now;
  return now;
}

void LogDesk::hand_in(const std::shared_ptr<Work>& work) {
  log_->append(std::move(work->request), [this, work, here = std::this_thread::get_id()](
                                             core::Result<std::vector<storage::Appended>> result) {
    if (!result && std::this_thread::get_id() == here) work->refused = true;
    queue_.push([this, work, result = std::move(result)]() mutable {
      work->answer(std::move(result));
      admission_.leave(work->cost);
    });
  });
  if (work->queued && !work->refused) work->queued();
  if (work->waited) work->started();
}

core::Lane LogDesk::lane_of(const std::string& category) const {
  for (const auto& [name, lane] : settings_.lane_of_category)
    if (name == category) return lane;
  return core::Lane::kTelemetry;
}

storage::AckMode LogDesk::ack_mode(const storage::AppendRequest& request) const {
  if (request.own || request.events.empty()) return storage::AckMode::kDisk;
  const core::Lane lane = lane_of(request.events.front().stream.category);
  return settings_.log.lanes[core::index(lane)].ack_mode();
}

// At the log's opening: as far as this log was told by the hub, and what will never be there.
void LogDesk::tell_where_the_hub_is() {
  if (!hub_news_.cursor) return;
  std::unique_ptr<storage::LogReader> reader;
  for (const core::Lane lane : core::kLanes) {
    if (settings_.log.lanes[core::index(lane)].ack_mode() != storage::AckMode::kHub) continue;
    if (!reader) {
      auto opened = storage::LogReader::open(settings_.log_folder());
      if (opened) reader = std::move(*opened);
    }
    if (reader)
      if (const auto ranges = reader->set_aside(lane); ranges)
        for (const storage::SetAside& range : *ranges) hub_news_.set_aside(lane, range);
    hub_news_.cursor(lane, log_->lane_state(lane).acked);
  }
}

LogDesk::Done LogDesk::to_io(Done done) {
  return [this, done = std::move(done)](core::Result<void> result) {
    queue_.push([done, result] { done(result); });
  };
}

void LogDesk::record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) {
  if (log_ == nullptr || anchors.empty()) return;
  core::Seq acked = 0;
  for (const storage::Anchor& anchor : anchors) acked = std::max(acked, anchor.acked);
  log_->record_acks(lane, std::move(anchors));
  if (hub_news_.cursor) hub_news_.cursor(lane, acked);
}

void LogDesk::rewind(core::Lane lane, core::Seq acked, Done done) {
  if (log_ == nullptr) return done(not_open());
  if (hub_news_.cursor) hub_news_.cursor(lane, acked);
  log_->rewind(lane, acked, to_io(std::move(done)));
}

void LogDesk::set_aside(core::Lane lane, storage::SetAside range, Done done) {
  if (log_ == nullptr) return done(not_open());
  if (hub_news_.set_aside) hub_news_.set_aside(lane, range);
  log_->set_aside(lane, range, to_io(std::move(done)));
}

}  // namespace sluice::gateway
