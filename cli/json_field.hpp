// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace sluice::cli {

// A field of an answer or a record, whatever the other side wrote there.

// The text; empty: it is missing or something else.
std::string text_at(const core::json::object& object, std::string_view key);
// The number; 0: it is missing, below 0 or no whole number.
std::uint64_t number_at(const core::json::object& object, std::string_view key);
// For a table's cell: "-" for what is missing, null or empty; what is no text, as JSON.
std::string cell_at(const core::json::object& object, std::string_view key);
// The same with nothing for what is missing.
std::string words_at(const core::json::object& object, std::string_view key);
// false: it is missing or something else.
bool flag_at(const core::json::object& object, std::string_view key);
// Any number; nullopt: it is missing or something else.
std::optional<double> real_at(const core::json::object& object, std::string_view key);
// A time as Sluice writes it, in ns since 1970.
std::optional<std::int64_t> time_at(const core::json::object& object, std::string_view key);
// Null: it is missing or something else.
const core::json::object* object_at(const core::json::object& object, std::string_view key);
// The objects of a list. They live in `object`.
std::vector<const core::json::object*> objects_at(const core::json::object& object,
                                                  std::string_view key);

}  // namespace sluice::cli
