// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::codec {

// A single value out of an event's data. Text and bytes are views into the data.
struct Bytes {
  std::string_view value;
  bool operator==(const Bytes&) const = default;
};
struct Absent {  // no such field
  bool operator==(const Absent&) const = default;
};
struct Nil {
  bool operator==(const Nil&) const = default;
};
struct Composite {  // an array or a map
  bool operator==(const Composite&) const = default;
};
using Scalar = std::variant<Absent, Nil, bool, std::int64_t, std::uint64_t, double,
                            std::string_view, Bytes, Composite>;  // uint64 only above INT64_MAX

// The value at a path of map keys ("a", "b" for data.a.b). One pass, no tree. `data` must be valid.
Scalar find_field(std::string_view data, const std::vector<std::string>& path);

}  // namespace sluice::codec
