// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_desk.hpp"

#include "gateway/event_input.hpp"

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

bool LogDesk::append(storage::AppendRequest request, Answer answer, std::function<void()> started) {
  if (log_ == nullptr) {
    answer(not_open());
    return true;
  }
  const Admission::Cost cost{request.events.size(), cost_bytes(request)};
  const auto work = std::make_shared<std::pair<storage::AppendRequest, Answer>>(std::move(request),
                                                                                std::move(answer));
  const auto waited = std::make_shared<bool>(false);
  const bool now = admission_.enter(cost, [this, cost, work, waited, started] {
    log_->append(std::move(work->first),
                 [this, cost, work](core::Result<std::vector<storage::Appended>> result) {
                   queue_.push([this, cost, work, result = std::move(result)]() mutable {
                     work->second(std::move(result));
                     admission_.leave(cost);
                   });
                 });
    if (*waited) started();
  });
  *waited = !now;
  return now;
}

LogDesk::Done LogDesk::to_io(Done done) {
  return [this, done = std::move(done)](core::Result<void> result) {
    queue_.push([done, result] { done(result); });
  };
}

void LogDesk::rewind(core::Lane lane, core::Seq acked, Done done) {
  if (log_ == nullptr) return done(not_open());
  log_->rewind(lane, acked, to_io(std::move(done)));
}

void LogDesk::set_aside(core::Lane lane, storage::SetAside range, Done done) {
  if (log_ == nullptr) return done(not_open());
  log_->set_aside(lane, range, to_io(std::move(done)));
}

}  // namespace sluice::gateway
