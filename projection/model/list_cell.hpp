// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projection/model/definition.hpp"

// The bounded list of `append`: the newest values by time and tie-break, oldest first, so that the
// same events give the same list in whatever order they come. `stored` is the hidden column: each
// value with its time, its tie-break and its JSON. Pure.
namespace sluice::projection {

inline constexpr std::size_t kListItemBytesMax = 8192;  // of one value's JSON

// A value of a list: a scalar, or an object if the items have names. nullopt: longer than that.
std::optional<std::string> list_item(const std::vector<ListItem>& items,
                                     const std::vector<Value>& values);
// What the hidden column becomes; an empty `stored` is an empty list.
std::string list_insert(std::string_view stored, std::int64_t time, std::string_view tie_break,
                        std::string_view item, std::size_t limit);
std::string list_json(std::string_view stored);  // the visible column

}  // namespace sluice::projection
