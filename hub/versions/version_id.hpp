// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::hub {

// One database of a model: the version that its definition says, and which time it was built.
// Written "3", and "3.2" when version 3 was built a second time. Later ones are greater.
struct VersionId {
  std::int64_t version = 0;
  std::int64_t generation = 1;

  std::string text() const;
  static std::optional<VersionId> parse(std::string_view text);
  auto operator<=>(const VersionId&) const = default;
};

}  // namespace sluice::hub
