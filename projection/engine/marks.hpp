// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/engine.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// How far one lane of one epoch took effect in a model, and what was given up there.
struct Mark {
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  RowState state = RowState::kUnopened;
  RowStart start = RowStart::kWhole;
  core::Epoch previous;  // 0: none, or not known
  core::Seq first = 0;
  core::Seq next = 0;      // all below it took effect or was given up; 0 unless the row is open
  std::int64_t order = 0;  // GateRow::order
  std::vector<std::pair<core::Seq, core::Seq>> absent;  // what was given up, from and to, in order
  enum class Age : std::uint8_t { kOnTime = 0, kLate = 1, kUnknown = 2 };
  struct Run {
    std::size_t place = 0;  // among the model's runs: those of one lane follow each other by it
    core::Seq first = 0;    // its first event; it goes on until the lane's next run
    Age age = Age::kOnTime;
  };
  std::vector<Run> runs;

  RowRef row() const { return {gateway, epoch, lane}; }
  bool is_absent(core::Seq seq) const;
};

// Where a model's database stands: exactly which events of the hub took effect in it. Two databases
// of one model with the same marks hold the same rows.
struct Marks {
  std::unordered_map<std::string, Mark> rows;  // by "<gateway>.<epoch>.<lane>", as identities begin
  std::vector<Position> positions;
  std::vector<Decision> decisions;  // in the order in which they were taken

  const Mark* find(std::string_view row) const;
};

// Reads them in one pass over the gate. Within the caller's snapshot, if they are to fit rows that
// are read beside. Memory grows with gateways, epochs and ranges that were given up, not with
// events.
core::Result<Marks> read_marks(Target& target);

std::string mark_key(const RowRef& row);

}  // namespace sluice::projection
