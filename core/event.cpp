// SPDX-License-Identifier: Apache-2.0
#include "core/event.hpp"

#include <array>

#include "core/text.hpp"

namespace sluice::core {
namespace {
constexpr std::array<std::string_view, 5> kReasons = {"quota", "trimmed", "damaged", "oversize",
                                                      "lost"};
}

std::string_view gap_reason_word(GapReason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}

Result<GapReason> parse_gap_reason(std::string_view word) {
  for (std::size_t i = 0; i < kReasons.size(); ++i)
    if (kReasons[i] == word) return static_cast<GapReason>(i);
  return fail(Errc::kBadRequest, "'" + printable(word) + "' is not a gap reason", "reason");
}

}  // namespace sluice::core
