// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

// The record of a plugtest: what the gateway acknowledged, as it is kept on another machine. A text
// file, one line of JSON each, only ever appended to:
//     {"round": "9f31c2d4", "stream": "plugtest/9f31c2d4", "gateway": "plant-7"}
//     {"round": "9f31c2d4", "n": 1, "id": "0190…", "lane": "telemetry", "epoch": "…", "seq": 12}
namespace sluice::cli {

// An event that was acknowledged. `n` counts 1, 2, 3 ... within its round.
struct Note {
  std::string round;
  std::uint64_t n = 0;
  core::Uuid id;
  core::Lane lane = core::Lane::kTelemetry;
  core::Epoch epoch;
  core::Seq seq = 0;
};

// One run of the load, from its start to the pulled plug.
struct Round {
  std::string name;  // 8 hex digits, also the entity of its stream
  std::string stream;
  std::string gateway;
  std::vector<Note> notes;
};

std::string round_line(const Round& round);  // its head, with the line's end
std::string note_line(const Note& note);

// Gathers lines. A line that does not fit is refused with kCorrupt, and says why.
class PlugtestRecord {
 public:
  core::Result<void> add_line(std::string_view line);
  // A whole file. Its last line may be torn: it was never confirmed, and is left out.
  static core::Result<PlugtestRecord> parse(std::string_view text);
  const std::vector<Round>& rounds() const { return rounds_; }

 private:
  std::vector<Round> rounds_;
};

}  // namespace sluice::cli
