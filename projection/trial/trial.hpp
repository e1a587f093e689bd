// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "projection/model/model.hpp"
#include "projection/value/place.hpp"

// What `sluice model test` does: given these events, a model holds these rows (docs/models.md).
namespace sluice::projection {

struct TrialEvent {
  std::string gateway = "gateway";
  std::uint64_t epoch = 1;
  core::Lane lane = core::Lane::kTelemetry;
  core::StreamName stream;
  std::string type;
  std::string data = "{}";  // JSON
  std::optional<std::int64_t> occurred_at_ns;
  std::int64_t recorded_ns = 0;
  std::uint64_t gap = 0;  // instead of an event: so many seqs that are lost
};

// NULL, or a constant, or (a list's value) JSON.
struct TrialJson {
  std::string text;
};
using TrialCell = std::variant<std::monostate, bool, std::int64_t, double, std::string, TrialJson>;

struct TrialRow {
  std::vector<std::pair<std::string, TrialCell>> cells;  // columns not named are not compared
  FilePlace where;
};

struct TrialTable {
  std::string name;  // a table or a view
  bool all = true;   // the rows are all; else there may be others
  std::vector<TrialRow> rows;
  FilePlace where;
};

struct TrialParked {
  std::string type;
  std::string kind;  // empty: any
  std::string why;   // a part of it
};

struct Trial {
  std::string name;
  std::vector<TrialEvent> events;
  std::vector<TrialTable> tables;
  std::vector<TrialParked> parked;  // all of them, in order
  FilePlace where;
};

// The trials of a NAME.test.toml file. kConfig with one line per error.
core::Result<std::vector<Trial>> parse_trials(std::string_view toml, const std::string& file);

// Runs one trial through a gate and an engine of its own at `place`, where nothing may be yet. Each
// difference is a sentence with table, key, column, what was expected and what was found; none: it
// passed. Errors are those of the medium.
core::Result<std::vector<std::string>> run_trial(const std::shared_ptr<const Model>& model,
                                                 const Trial& trial, const Place& place);

}  // namespace sluice::projection
