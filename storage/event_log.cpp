// SPDX-License-Identifier: Apache-2.0
#include "storage/event_log.hpp"

#include "storage/log_writer.hpp"
#include "storage/retention.hpp"
#include "storage/start_record.hpp"

namespace sluice::storage {

// The contract's names, forwarded to the machine that keeps it.
class EventLog::Impl : public LogWriter {
 public:
  using LogWriter::LogWriter;
};

EventLog::EventLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventLog::~EventLog() {
  stop();
}

core::Result<std::unique_ptr<EventLog>> EventLog::open(Options options, Environment environment) {
  auto impl = std::make_unique<Impl>(std::move(options), environment);
  SLUICE_TRY(impl->open());
  return std::unique_ptr<EventLog>(new EventLog(std::move(impl)));
}

std::chrono::milliseconds EventLog::start_delay(const std::filesystem::path& folder,
                                                const LogSettings& settings) {
  return crash_wait(read_short_lived(folder), settings.restart_wait_max);
}

core::Epoch EventLog::epoch() const {
  return impl_->epoch();
}
const StartReport& EventLog::start_report() const {
  return impl_->start_report();
}
core::Result<void> EventLog::salvage_told(const SalvagedSegment& salvaged) {
  return impl_->salvage_told(salvaged);
}
codec::ChainMark EventLog::chain_mark(core::Lane lane) const {
  return impl_->chain_mark(lane);
}
void EventLog::append(AppendRequest request, AppendCallback callback) {
  impl_->append(std::move(request), std::move(callback));
}
core::Result<std::vector<Record>> EventLog::read_stream(const core::StreamName& stream,
                                                        std::uint64_t from, std::size_t limit) {
  return impl_->read_stream(stream, from, limit);
}
void EventLog::record_acks(core::Lane lane, std::vector<Anchor> anchors) {
  impl_->record_acks(lane, std::move(anchors));
}
void EventLog::rewind(core::Lane lane, core::Seq acked, Done done) {
  impl_->rewind(lane, acked, std::move(done));
}
void EventLog::set_aside(core::Lane lane, SetAside range, Done done) {
  impl_->set_aside(lane, range, std::move(done));
}
void EventLog::on_commit(std::function<void()> bell) {
  impl_->on_commit(std::move(bell));
}
LaneState EventLog::lane_state(core::Lane lane) const {
  return impl_->lane_state(lane);
}
EventLog::Counters EventLog::counters() const {
  return impl_->counters();
}

void EventLog::nudge() {
  impl_->nudge();
}
std::string EventLog::failure() const {
  return impl_->failure();
}
void EventLog::stop() {
  if (impl_) impl_->stop();
}

}  // namespace sluice::storage
