// SPDX-License-Identifier: Apache-2.0
// The part of the uplink that looks at the log, and at `sluiced`, without which it may not look.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "core/codec/event_codec.hpp"
#include "sync/machine.hpp"
#include "sync/uplink.hpp"

namespace sluice::sync {

namespace {
constexpr std::chrono::milliseconds kBellPause{10};  // one look at the log answers many bells
constexpr std::chrono::milliseconds kSluicedRetry{500};
constexpr core::Seq kSampleRows = 63;
constexpr std::uint64_t kMessageBytes = 180;  // subject, identity and what NATS adds, about
constexpr core::Seq kClockRows = 4096;  // of the system lane that are looked through at an opening
}  // namespace

void Uplink::open_sluiced() {
  ++log_generation_;
  const auto generation = log_generation_;
  SluicedLink::Handlers handlers;
  // Handlers may end the link that calls them, so each is carried out after it has returned.
  handlers.opened = [=, this](core::Result<SluicedLink::Hello> hello) {
    boost::asio::post(io_, [=, this] {
      if (generation == log_generation_ && !stopping_) sluiced_opened(hello);
    });
  };
  handlers.closed = [=, this](const core::Error& why) {
    boost::asio::post(io_, [=, this] {
      if (generation == log_generation_ && !stopping_) sluiced_closed(why);
    });
  };
  handlers.bell = [=, this] {
    if (generation == log_generation_) bell();
  };
  sluiced_ = std::make_unique<SluicedLink>(io_, settings_.socket(), std::move(handlers));
}

void Uplink::sluiced_opened(core::Result<SluicedLink::Hello> hello) {
  if (!hello) return sluiced_closed(hello.error());
  if (auto opened = open_log(*hello); !opened) return sluiced_closed(opened.error());
  told_status_.clear();
  forwarder_.tick(now());
  touched();
}

void Uplink::sluiced_closed(const core::Error& why) {
  environment_.logger.info("uplink", "sluiced is not there: " + why.message);
  reader_.reset();
  end_session();
  forwarder_.log_closed();
  touched();
  sluiced_timer_.expires_after(kSluicedRetry);
  sluiced_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) open_sluiced();
  });
}

core::Result<void> Uplink::open_log(const SluicedLink::Hello& hello) {
  if (hello.gateway != settings_.id)
    return core::fail(core::Errc::kConfig, "sluiced serves gateway " + hello.gateway +
                                               ", this configuration names " + settings_.id);
  auto reader = storage::LogReader::open(settings_.log_folder());
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  std::array<LaneLog, core::kLaneCount> lanes;
  for (auto lane : core::kLanes) {
    auto log = read_lane_log(lane, hello.epoch);
    if (!log) return log.error();
    lanes[core::index(lane)] = std::move(*log);
  }
  epoch_ = hello.epoch;
  learn_clock();
  for (auto lane : core::kLanes) live_.begin(lane, lanes[core::index(lane)].state.last);
  forwarder_.log_opened(std::move(lanes), now());
  note_epoch_start();
  return {};
}

core::Result<LaneLog> Uplink::read_lane_log(core::Lane lane, core::Epoch epoch) {
  LaneLog out;
  auto state = reader_->lane_state(lane);
  if (!state) return state.error();
  auto epochs = reader_->epochs(lane);
  if (!epochs) return epochs.error();
  auto anchors = reader_->anchors(lane);
  if (!anchors) return anchors.error();
  auto set_aside = reader_->set_aside(lane);
  if (!set_aside) return set_aside.error();
  if (epochs->empty() || epochs->back().epoch != epoch)
    return core::fail(core::Errc::kUnavailable,
                      "the log's newest epoch is not the one that sluiced runs");
  out.state = *state;
  out.epochs = std::move(*epochs);
  out.anchors = std::move(*anchors);
  out.set_aside = std::move(*set_aside);
  // What is to be sent again has a size, about: that of the latest events.
  const core::Seq from = std::max(state->first, state->last - std::min(state->last, kSampleRows));
  const auto rows = reader_->read_lane(lane, from, kSampleRows + 1);
  if (rows && !rows->empty()) {
    std::uint64_t bytes = 0;
    for (const auto& row : *rows) bytes += row.body.size() + kMessageBytes;
    out.event_bytes = bytes / rows->size();
  }
  return out;
}

void Uplink::bell() {
  if (std::exchange(bell_armed_, true)) return;
  refresh_tails();
  bell_timer_.expires_after(kBellPause);
  bell_timer_.async_wait([this](boost::system::error_code error) {
    bell_armed_ = false;
    if (!error) refresh_tails();
  });
}

void Uplink::refresh_tails() {
  if (!reader_) return;
  for (auto lane : core::kLanes) {
    const auto state = reader_->lane_state(lane);
    if (!state || state->last == forwarder_.lane(lane).last()) continue;
    // Dropped for want of room, before it was acked: the log says with what reason.
    if (state->first > forwarder_.lane(lane).outbox().first() &&
        state->first > forwarder_.lane(lane).acked() + 1) {
      auto ranges = reader_->set_aside(lane);
      if (ranges) forwarder_.dropped(lane, std::move(*ranges));
    }
    forwarder_.tail(lane, state->first, state->last, now());
  }
  touched();
}

// A receipt may have moved a cursor while there was no link.
void Uplink::take_cursor_from_log() {
  if (!reader_) return;
  bool behind = false;
  for (auto lane : core::kLanes) {
    const auto state = reader_->lane_state(lane);
    behind = behind || (state && forwarder_.lane(lane).is_behind(state->acked));
  }
  if (!behind) return;
  std::array<LaneLog, core::kLaneCount> lanes;
  for (auto lane : core::kLanes) {
    auto log = read_lane_log(lane, epoch_);
    if (!log) return;  // as it was: the same events are sent again
    lanes[core::index(lane)] = std::move(*log);
  }
  forwarder_.log_opened(std::move(lanes), now());
}

// From the running epoch's first event, so that a restart of this program alone does not count.
void Uplink::note_epoch_start() {
  epoch_began_.reset();
  const auto epochs = reader_->epochs(core::Lane::kSystem);
  if (!epochs || epochs->empty()) return;
  const auto rows = reader_->read_lane(core::Lane::kSystem, epochs->back().first_seq, 1);
  if (!rows || rows->empty()) return;
  if (const auto event = codec::decode_trusted(rows->front().body); event)
    epoch_began_ = event->recorded;
}

// Each trusted moment on disk tells the true time of its whole boot: of what an earlier boot wrote
// before its clock was set, too. Sluice's own lane is short and has ClockAnchored for the purpose.
void Uplink::learn_clock() {
  const auto state = reader_->lane_state(core::Lane::kSystem);
  if (!state) return;
  core::Seq next = std::max(state->first, state->last - std::min(state->last, kClockRows));
  while (next <= state->last) {
    const auto rows = reader_->read_lane(core::Lane::kSystem, next, 256);
    if (!rows || rows->empty()) break;
    for (const auto& row : *rows) {
      const auto event = codec::decode_trusted(row.body);
      if (event && event->recorded.trusted)
        clock_book_.learn(event->recorded.boot, event->recorded.wall_ns,
                          event->recorded.monotonic_ns);
    }
    next = rows->back().seq + 1;
  }
  look_at_clock();
}

void Uplink::look_at_clock() {
  const auto& clock = environment_.clock;
  looked_at_clock_ = now();
  if (clock.trusted()) clock_book_.learn(clock.boot(), clock.wall_ns(), clock.monotonic_ns());
}

core::Result<codec::Report> Uplink::make_report(bool stopped_as_clone) const {
  codec::Report out;
  out.gateway = settings_.id;
  out.machine = environment_.machine;
  out.epoch = epoch_;
  for (auto lane : core::kLanes)
    out.lanes[core::index(lane)] = {forwarder_.lane(lane).last(), forwarder_.lane(lane).acked()};
  const auto disk = disk_space(settings_.state);
  out.disk_free_bytes = disk.free_bytes;
  out.disk_total_bytes = disk.total_bytes;
  const auto& clock = environment_.clock;
  out.wall_ns = clock.wall_ns();
  out.clock_trusted = clock.trusted();
  if (epoch_began_ && epoch_began_->boot == clock.boot() &&
      clock.monotonic_ns() > epoch_began_->monotonic_ns)
    out.started_ns_ago = clock.monotonic_ns() - epoch_began_->monotonic_ns;
  out.program_version = SLUICE_VERSION;
  out.last_error = forwarder_.last_error();
  if (out.last_error.empty()) out.last_error = complaint_;
  out.stopped_as_clone = stopped_as_clone;
  out.turn = reports_.turn();
  return out;
}

}  // namespace sluice::sync
