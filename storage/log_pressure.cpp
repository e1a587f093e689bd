// SPDX-License-Identifier: Apache-2.0
#include "storage/log_writer.hpp"

// What the writer's thread does about room: it watches the disk, lets the lanes give up what is
// oldest, keeps the ballast, and tells of it in lane system.
namespace sluice::storage {

using core::Lane;
using std::chrono::seconds;

namespace {

constexpr seconds kLookEvery{1};
constexpr seconds kBallastEvery{10};
// Who gives up first when the disk, which all share, is short of room.
constexpr std::array kGivesFirst = {Lane::kBulk, Lane::kTelemetry, Lane::kSystem, Lane::kAlarm};

}  // namespace

void LogWriter::look_at_disk(Time now) {
  if (disk_checked_ != Time{} && now - disk_checked_ < kLookEvery) return;
  disk_checked_ = now;
  const DiskRoom room = disk_room(context_.folder);
  if (room.total == 0) return;
  set_disk_level(
      disk_level(room.free, context_.settings.disk_soft, context_.settings.disk_hard, disk_level_),
      room);
  if (disk_level_ != DiskLevel::kOk) make_room_on_disk(room.free);
}

void LogWriter::set_disk_level(DiskLevel level, const DiskRoom& room) {
  if (level == disk_level_) return;
  disk_level_ = level;
  context_.logger->warning("log",
                           level == DiskLevel::kHard
                               ? "the disk is nearly full: new events are refused, or drop old ones"
                           : level == DiskLevel::kSoft
                               ? "the disk is short of room: acked events go early"
                               : "the disk has room again",
                           {{"free", std::to_string(room.free)}});
  PressureNote note;
  note.level = level;
  note.free = room.free;
  note.total = room.total;
  add_note(notes_, note);
}

// By what the files held: a filesystem may count them as free only later.
void LogWriter::make_room_on_disk(std::uint64_t free) {
  for (const Lane lane : kGivesFirst) {
    while (free < context_.settings.disk_soft) {
      const std::uint64_t bytes = give_up(*lanes_[core::index(lane)], false, "disk");
      if (bytes == 0) break;
      free += bytes;
    }
  }
}

std::uint64_t LogWriter::give_up(LaneLog& lane, bool also_unacked, std::string_view reason) {
  const auto withdraw = [&](core::Seq first) { return sealer_->withdraw(lane.lane(), first); };
  auto bytes = lane.give_up_oldest(also_unacked, reason, withdraw);
  if (!bytes)
    context_.logger->warning("log", "cannot make room",
                             {{"lane", std::string(core::lane_name(lane.lane()))},
                              {"error", core::to_string(bytes.error())}});
  for (const PressureNote& note : lane.take_notes()) add_note(notes_, note);
  const std::uint64_t freed = bytes ? *bytes : 0;
  if (freed > 0) {
    // A file that is still open keeps its room on the disk.
    if (const std::unique_lock reading(read_mutex_, std::try_to_lock); reading) read_cache_.clear();
  }
  return freed;
}

// False: the disk has no room for the work's events.
bool LogWriter::make_room_in(LaneLog& lane, LaneWork& work) {
  std::uint64_t bytes = 0;
  for (const PendingAppend& append : work.appends) bytes += append.bytes;
  if (bytes == 0) return true;
  const bool drops = context_.settings.lanes[core::index(lane.lane())].drops_oldest();
  while (lane.over_quota(bytes) && give_up(lane, drops, "quota") > 0) {
  }
  std::uint64_t& credit = drop_credit_[core::index(lane.lane())];
  if (disk_level_ != DiskLevel::kHard) {
    credit = 0;
    return true;
  }
  // As much goes as comes and no more: if something else fills the disk, to drop all would not
  // help.
  if (drops && credit < bytes) credit += give_up(lane, true, "disk");
  if (credit < bytes) return false;
  credit -= bytes;
  return true;
}

void LogWriter::after_full_disk(LaneLog& lane) {
  const DiskRoom room = disk_room(context_.folder);
  if (ballast_.held()) {
    ballast_.release();
    ballast_due_ = std::chrono::steady_clock::now() + kBallastEvery;
    context_.logger->warning("log", "the disk is full: the ballast is given back",
                             {{"bytes", std::to_string(ballast_.bytes())}});
  }
  set_disk_level(DiskLevel::kHard, room);
  make_room_on_disk(room.free);
  if (!lane.owes()) return;
  LaneWork acks;  // the cursor, at least
  (void)lane.commit(acks);
}

void LogWriter::retry_what_failed() {
  for (const auto& lane : lanes_) {
    if (lane->refusing()) lane->try_to_write_again();
    if (lane->refusing() || !lane->owes()) continue;
    LaneWork acks;
    (void)lane->commit(acks);
  }
}

void LogWriter::keep_ballast(Time now) {
  if (ballast_.held() || ballast_.bytes() == 0 || now < ballast_due_) return;
  ballast_due_ = now + kBallastEvery;
  const DiskRoom room = disk_room(context_.folder);
  if (room.free < 2 * ballast_.bytes() + context_.settings.disk_hard) return;
  const auto taken = ballast_.take();
  if (taken || std::exchange(ballast_warned_, true)) return;
  context_.logger->warning("log", "there is no ballast for a full disk",
                           {{"error", core::to_string(taken.error())}});
}

// As own events of lane system. What is refused, since the disk is full, is told later.
void LogWriter::tell_notes() {
  if (notes_.empty()) return;
  const std::vector<PressureNote> notes = std::exchange(notes_, {});
  const std::lock_guard lock(mutex_);
  Queue& queue = queues_[core::index(Lane::kSystem)];
  for (const PressureNote& note : notes) {
    PendingAppend pending;
    pending.request.own = true;
    pending.request.events.push_back(make_own_event(note));
    pending.wall_ns = context_.clock->wall_ns();
    pending.monotonic_ns = context_.clock->monotonic_ns();
    pending.bytes = 512;
    // On this thread, by a commit.
    pending.callback = [this, note](const core::Result<std::vector<Appended>>& answer) {
      if (!answer) add_note(notes_, note);
    };
    if (queue.appends.empty()) queue.oldest = std::chrono::steady_clock::now();
    queue.events += 1;
    queue.bytes += pending.bytes;
    queued_events_ += 1;
    queued_bytes_ += pending.bytes;
    queue.appends.push_back(std::move(pending));
  }
}

}  // namespace sluice::storage
