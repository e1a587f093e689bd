// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace sluice::cli {

// A field of an answer or a record, whatever the other side wrote there.

// The text; empty: it is missing or something else.
std::string text_at(const core::json::object& object, std::string_view key);
// The number; 0: it is missing, below 0 or no whole number.
std::uint64_t number_at(const core::json::object& object, std::string_view key);
// For a table's cell: "-" for what is missing, null or empty; what is no text, as JSON.
std::string cell_at(const core::json::object& object, std::string_view key);

}  // namespace sluice::cli
