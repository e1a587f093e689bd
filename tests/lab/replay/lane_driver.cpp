// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/lane_driver.hpp"

#include <algorithm>
#include <cstdlib>

#include "storage/sealing.hpp"
#include "storage/segment_file.hpp"

namespace sluice::lab {

using core::Lane;
using core::Result;
using core::Seq;

storage::LogSettings small_settings(std::uint64_t segment_events) {
  storage::LogSettings settings;
  for (storage::LaneSettings& lane : settings.lanes)
    lane.commit_interval = std::chrono::milliseconds{0};
  settings.disk_soft = settings.disk_hard = settings.ballast = 0;
  settings.retention = std::chrono::milliseconds{0};
  settings.segment_events = segment_events;
  return settings;
}

storage::NewEvent make_event(const std::string& stream, std::uint64_t number, std::size_t bytes) {
  core::SeededRandom random(number * 2 + 1);
  storage::NewEvent event;
  event.stream = *core::StreamName::parse(stream);
  event.type = "Measured";
  // A MessagePack byte string in its shortest form.
  if (bytes < 256)
    event.data = {'\xc4', static_cast<char>(bytes)};
  else
    event.data = {'\xc5', static_cast<char>(bytes >> 8), static_cast<char>(bytes & 0xff)};
  for (std::size_t i = 0; i < bytes; ++i) event.data += static_cast<char>(random.next());
  event.id.emplace();
  for (std::uint8_t& byte : event.id->bytes) byte = static_cast<std::uint8_t>(random.next());
  return event;
}

LaneDriver::LaneDriver(std::filesystem::path folder, std::uint64_t seed,
                       storage::LogSettings settings, Ledger& ledger,
                       std::function<std::size_t()> now)
    : random_(seed), ledger_(ledger), now_(std::move(now)) {
  context_.folder = std::move(folder);
  context_.gateway = kGateway;
  context_.settings = std::move(settings);
  context_.clock = &clock;
  context_.random = &random_;
  if (std::getenv("SLUICE_LAB_TALK") != nullptr)
    logger_ = std::make_unique<core::StderrLogger>();
  else
    logger_ = std::make_unique<core::NullLogger>();
  context_.logger = logger_.get();
  context_.ids = &ids_;
}

Result<void> LaneDriver::open() {
  clock.advance_ms(1000);
  context_.epoch = core::draw_epoch(random_);
  lane_ = std::make_unique<storage::LaneLog>(context_, Lane::kTelemetry);
  auto opened = lane_->open([](const std::string&) { return Lane::kTelemetry; });
  if (!opened) lane_.reset();
  return opened;
}

void LaneDriver::close() {
  if (lane_) lane_->close();
  drop();
}

void LaneDriver::drop() {
  lane_.reset();
  unsealed_.clear();
}

Result<void> LaneDriver::commit(std::vector<storage::AppendRequest> requests) {
  storage::LaneWork work;
  for (storage::AppendRequest& request : requests) {
    storage::PendingAppend pending;
    pending.request = std::move(request);
    work.appends.push_back(std::move(pending));
  }
  return commit(work);
}

Result<void> LaneDriver::commit(storage::LaneWork& work) {
  clock.advance_ms(20);
  refusals.clear();
  for (storage::PendingAppend& pending : work.appends) {
    pending.wall_ns = clock.wall_ns();
    pending.monotonic_ns = clock.monotonic_ns();
    ledger_.appends.push_back({pending.request, now_(), kNever, {}});
    pending.callback = [this, at = ledger_.appends.size() - 1](auto answer) {
      if (!answer) return refusals.push_back(answer.error());
      ledger_.appends[at].answered = now_();
      ledger_.appends[at].positions = std::move(*answer);
    };
  }
  return lane_->commit(work);
}

Result<void> LaneDriver::ack(Seq acked, std::vector<storage::AppendRequest> with) {
  storage::Anchor anchor;
  anchor.acked = anchor.seq = acked;
  anchor.hub_stream = "EVENTS-main";
  anchor.created = "2026-11-21T00:00:00Z";
  anchor.epoch = context_.epoch;
  for (const Ledger::Append& append : ledger_.appends)
    for (const storage::Appended& position : append.positions)
      if (position.seq == acked) anchor.epoch = position.epoch;
  anchor.hub_seq = 1000 + acked;
  anchor.subject = "ev.main.plant-7.telemetry.pump.Measured";
  anchor.identity = core::Identity{kGateway, anchor.epoch, Lane::kTelemetry, acked}.text();
  storage::LaneWork work;
  work.acks.push_back(anchor);
  for (storage::AppendRequest& request : with) {
    work.appends.emplace_back();
    work.appends.back().request = std::move(request);
  }
  ledger_.cursors.push_back({now_(), kNever, acked, acks_may_lag, true});
  acked_max_ = std::max(acked_max_, acked);
  auto done = commit(work);
  if (done) ledger_.cursors.back().done = now_();
  return done;
}

Result<void> LaneDriver::rewind(Seq acked) {
  storage::LaneWork work;
  const std::size_t at = ledger_.cursors.size();
  ledger_.cursors.push_back({now_(), kNever, acked, true, false});
  work.rewinds.emplace_back(acked, [this, at](Result<void> done) {
    if (done) ledger_.cursors[at].done = now_();
  });
  return commit(work);
}

Result<void> LaneDriver::set_aside(storage::SetAside range) {
  storage::LaneWork work;
  const std::size_t at = ledger_.set_aside.size();
  ledger_.set_aside.push_back({range, kNever});
  work.set_aside.emplace_back(range, [this, at](Result<void> done) {
    if (done) ledger_.set_aside[at].done = now_();
  });
  return commit(work);
}

// As the sealer's thread and the writer's answer to it.
bool LaneDriver::seal() {
  for (storage::SealJob& job : lane_->take_seal_jobs()) unsealed_.push_back(std::move(job));
  std::vector<storage::SealJob> later;
  for (storage::SealJob& job : unsealed_) {
    auto sealer = storage::SegmentSealer::open(job, "");
    auto filter = sealer ? sealer->write_indexes() : Result<storage::IdFilter>(sealer.error());
    if (!filter) {
      later.push_back(std::move(job));
      continue;
    }
    lane_->indexed(job.first, std::move(*filter));
    const auto emptied = sealer->empty_wal();
    if (!emptied || !*emptied || !storage::sync_folder(job.path.parent_path())) {
      later.push_back(std::move(job));
      continue;
    }
    lane_->sealed(job.first);
  }
  unsealed_ = std::move(later);
  return unsealed_.empty();
}

Result<void> LaneDriver::trim() {
  // Which segments go is the lane's decision; that no event goes which is not acked, is ours.
  ledger_.floors.push_back({now_(), kNever, acked_max_ + 1, false, false});
  const auto removed = lane_->trim();
  ledger_.floors.back().done = now_();
  if (!removed) return removed.error();
  return {};
}

Result<void> LaneDriver::drop_oldest() {
  const std::size_t begun = now_();
  const auto withdraw = [this](Seq first) {
    std::erase_if(unsealed_, [&](const storage::SealJob& job) { return job.first == first; });
    return true;
  };
  const auto bytes = lane_->give_up_oldest(true, "quota", withdraw);
  ledger_.floors.push_back({begun, now_(), state().first, false, false});
  if (!bytes) return bytes.error();
  return {};
}

}  // namespace sluice::lab
