// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// A row that an event's rules name by its key.
struct TouchedRow {
  std::string table;
  std::vector<std::pair<std::string, std::string>> key;  // column, value as parse_cell() takes it
};

// The rows that this event may change, each once: its conditions are not asked, and a key that is
// looked up in another table, or cannot be read, is not among them. `clock_ns`: its Sluice-Clock.
std::vector<TouchedRow> touched_rows(const Model& model, const core::EventView& event,
                                     std::int64_t clock_ns);

}  // namespace sluice::projection
