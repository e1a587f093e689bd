// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "projection/database/target.hpp"
#include "projection/gate/types.hpp"

// A row of the gate as the table _sluice_gate has it. Pure.
namespace sluice::projection {

TableShape gate_shape();
std::string gate_columns();                     // of a SELECT that gate_row() reads
std::vector<Cell> gate_key(const RowRef& ref);  // with room for the rest
std::vector<Cell> gate_cells(const GateRow& row);
GateRow gate_row(std::span<const Cell> cells);

}  // namespace sluice::projection
