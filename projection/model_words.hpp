// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "projection/model.hpp"

// Parts of a definition as text. constant_text and source_text are stable: fingerprints hold them.
namespace sluice::projection {

std::string constant_text(const Cell& cell);
std::string source_text(const Source& source);

// "last = .value, of the event with the greatest $time"
std::string operation_words(const std::string& column, const Operation& operation);

}  // namespace sluice::projection
