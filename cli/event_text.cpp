// SPDX-License-Identifier: Apache-2.0
#include "cli/event_text.hpp"

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kDataBytesShown = 160;

std::string data_text(const core::EventView& event) {
  if (event.is_reserved()) return {};
  std::string data;
  codec::data_to_json(event.data, data);
  if (data.size() <= kDataBytesShown) return data;
  std::size_t end = kDataBytesShown;
  while (end > 0 && (static_cast<unsigned char>(data[end]) & 0xc0) == 0x80) --end;
  return data.substr(0, end) + "…";
}

// Sluice's own two types in words; their data is arrays that nobody knows by heart.
std::string own_event_text(const core::EventView& event) {
  if (event.type == core::kTypeEpochOpened) {
    const auto opened = codec::decode_epoch_opened(event.data);
    if (!opened) return "(unreadable)";
    if (!opened->previous) return "epoch " + event.epoch.text() + " opened, the first of this lane";
    return "epoch " + event.epoch.text() + " opened after " + opened->previous.text() +
           ", which ended at seq " + std::to_string(opened->last_seq);
  }
  if (event.type == core::kTypeGap) {
    const auto gap = codec::decode_gap(event.data);
    if (!gap) return "(unreadable)";
    return "seq " + std::to_string(event.seq) + " to " + std::to_string(gap->to) +
           " are missing: " + std::string(core::gap_reason_word(gap->reason));
  }
  std::string data;
  codec::data_to_json(event.data, data);
  return data;
}

}  // namespace

std::string event_line(const core::EventView& event) {
  const std::int64_t when = event.occurred_at_ns.value_or(event.recorded.wall_ns);
  std::string line = std::string(core::lane_name(event.lane)) + " " + std::to_string(event.seq) +
                     "  " + core::format_time(when / 1'000'000 * 1'000'000) + "  " +
                     event.stream().text();
  if (event.version > 0) line += " v" + std::to_string(event.version);
  line += "  " + std::string(event.type) + "  ";
  return line + (event.is_reserved() ? own_event_text(event) : data_text(event));
}

core::Result<void> print_event(Output& output, std::string_view body) {
  const auto event = codec::decode_event(body);
  if (!event) return event.error();
  if (output.json()) {
    std::string line;
    codec::event_to_json(*event, line);
    output.json_line(line);
  } else {
    output.line(event_line(*event));
  }
  return {};
}

}  // namespace sluice::cli
