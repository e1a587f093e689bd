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

// How far one lane of one epoch took effect in a model, and what an operator gave up there.
struct Mark {
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  RowState state = RowState::kUnopened;
  RowStart start = RowStart::kWhole;
  core::Epoch previous;  // 0: none, or not known
  core::Seq first = 0;
  core::Seq next = 0;  // all below it took effect or was given up; 0 unless the row is open
  std::vector<std::pair<core::Seq, core::Seq>> skipped;  // by `holds skip`, from and to

  RowRef row() const { return {gateway, epoch, lane}; }
  bool has_skipped(core::Seq from, core::Seq to) const;  // the whole range
};

// Where a model's database stands: exactly which events of the hub took effect in it. Two databases
// of one model with the same marks hold the same rows.
struct Marks {
  std::unordered_map<std::string, Mark> rows;  // by "<gateway>.<epoch>.<lane>", as identities begin
  std::vector<Position> positions;
  std::vector<Decision> decisions;  // in the order in which they were taken
  bool beginning_missing = false;   // history = available, and the model began behind the first

  const Mark* find(std::string_view row) const;
};

// Reads them in one pass over the gate. Within the caller's snapshot, if they are to fit rows that
// are read beside. Memory grows with gateways and epochs, not with events.
core::Result<Marks> read_marks(Target& target);

std::string mark_key(const RowRef& row);

}  // namespace sluice::projection
