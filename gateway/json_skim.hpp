// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/result.hpp"

// Cuts JSON text into the texts of its parts, without reading what is inside them: an event's data
// goes on as it was written, to the one reader that keeps every bit of it (codec/json_data). What
// is inside a part is checked by whoever reads that part. Pure.
namespace sluice::gateway {

// The elements of an array. kBadRequest: not one array, or more than `most` elements (kTooLarge).
core::Result<std::vector<std::string_view>> json_elements(std::string_view array, std::size_t most);

struct JsonMember {
  std::string_view key;  // as written, with quotes
  std::string_view value;
};
// The members of an object, repeated keys included.
core::Result<std::vector<JsonMember>> json_members(std::string_view object);

// The first character that is not white space, '\0' if there is none.
char json_first(std::string_view text);

}  // namespace sluice::gateway
