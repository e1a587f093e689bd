// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "projection/model/model.hpp"

// Parts of a definition as text. All but operation_words are stable: fingerprints hold them.
namespace sluice::projection {

std::string constant_text(const Cell& cell);
std::string source_text(const Source& source);

std::string operand_text(const Operation& operation);
std::string lookup_text(const Table& of, const Lookup& lookup);
std::string window_text(const Table& table);  // with a window
// `table`: the one whose row a condition may ask; nullptr for none.
std::string condition_text(const Table* table, const Condition& condition);

// "last = .value of the event with the greatest $time"; not stable.
std::string operation_words(const Column& column, const Operation& operation);

}  // namespace sluice::projection
