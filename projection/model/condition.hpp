// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "core/result.hpp"
#include "projection/model/definition.hpp"
#include "projection/model/extract.hpp"

namespace sluice::projection {

// The cells of Table::columns of the row that a rule is about to change; none if no row is there,
// which is asked like a new one.
struct RowView {
  const Table* table = nullptr;
  std::span<const Cell> cells;
};

// Whether a rule's `when` is true of an event. A value that is absent or null makes every question
// but `exists` false. kBadRequest: two values that cannot be compared (a text with a number).
core::Result<bool> holds(const Condition& condition, Extractor& event, const RowView& row = {});

}  // namespace sluice::projection
