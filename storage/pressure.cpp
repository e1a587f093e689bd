// SPDX-License-Identifier: Apache-2.0
#include "storage/pressure.hpp"

#include "core/codec/json_data.hpp"

namespace sluice::storage {
namespace {

using core::Seq;
using Kind = PressureNote::Kind;

constexpr std::size_t kNotesMax = 32;

std::string number(std::string_view key, std::uint64_t value) {
  return "\"" + std::string(key) + "\":" + std::to_string(value);
}
std::string word(std::string_view key, std::string_view value) {
  return "\"" + std::string(key) + "\":\"" + std::string(value) + "\"";
}

std::string json_of(const PressureNote& note) {
  if (note.kind == Kind::kDiskState)
    return "{" + word("state", disk_level_word(note.level)) + "," + number("free", note.free) +
           "," + number("total", note.total) + "}";
  const std::string range = "{" + number("from", note.from) + "," + number("to", note.to) + "," +
                            number("events", note.events) + ",";
  const bool is_window = note.kind == Kind::kWindowShortened;
  return range + (is_window ? number("window_ms", note.window_ms) + "," : "") +
         word("reason", note.reason) + "}";
}

}  // namespace

std::string_view disk_level_word(DiskLevel level) {
  return level == DiskLevel::kHard ? "hard" : level == DiskLevel::kSoft ? "soft" : "ok";
}

std::vector<SetAside> ranges_to_drop(Seq from, Seq to, const std::vector<EpochInfo>& epochs,
                                     const std::vector<SetAside>& known) {
  std::vector<SetAside> ranges;
  for (Seq next = from; next <= to;) {
    Seq end = to;
    Seq skip_to = 0;
    for (const SetAside& range : known) {
      if (range.from <= next && next <= range.to) skip_to = std::max(skip_to, range.to);
      if (range.from > next) end = std::min(end, range.from - 1);
    }
    if (skip_to != 0) {
      next = skip_to + 1;
      continue;
    }
    core::Epoch epoch;
    for (const EpochInfo& info : epochs) {
      if (info.first_seq <= next) epoch = info.epoch;
      if (info.first_seq > next) end = std::min(end, info.first_seq - 1);
    }
    ranges.push_back({epoch, next, end, core::GapReason::kQuota});
    next = end + 1;
  }
  return ranges;
}

void add_note(std::vector<PressureNote>& notes, const PressureNote& note) {
  if (note.kind == Kind::kDiskState) {
    if (notes.size() >= kNotesMax)
      std::erase_if(notes, [](const PressureNote& old) { return old.kind == Kind::kDiskState; });
    notes.push_back(note);
    return;
  }
  for (PressureNote& known : notes) {
    if (known.kind != note.kind || known.lane != note.lane || known.reason != note.reason) continue;
    const Seq from = std::min(known.from, note.from);
    const std::uint64_t events = known.events + note.events;
    known = note;
    known.from = from;
    known.events = events;
    return;
  }
  notes.push_back(note);
}

NewEvent make_own_event(const PressureNote& note) {
  const bool is_disk = note.kind == Kind::kDiskState;
  NewEvent event;
  if (is_disk)
    event.stream = {std::string(core::kReservedCategory), "disk"};
  else
    event.stream = core::lane_stream(note.lane);
  event.type = is_disk                             ? "DiskState"
               : note.kind == Kind::kEventsDropped ? "EventsDropped"
                                                   : "WindowShortened";
  if (auto data = codec::json_to_data(json_of(note))) event.data = std::move(*data);
  return event;
}

}  // namespace sluice::storage
