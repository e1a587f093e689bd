// SPDX-License-Identifier: Apache-2.0
#include "cli/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::array<Unit, 6> kDurations = {{{"ms", 1'000'000},
                                             {"min", 60 * kSecondNs},
                                             {"s", kSecondNs},
                                             {"h", 3600 * kSecondNs},
                                             {"d", 86400 * kSecondNs},
                                             {"w", 7 * 86400 * kSecondNs}}};
constexpr std::array<Unit, 6> kSizes = {{{"KiB", 1ull << 10},
                                         {"MiB", 1ull << 20},
                                         {"GiB", 1ull << 30},
                                         {"TiB", 1ull << 40},
                                         {"B", 1},
                                         {"", 1}}};
constexpr std::uint64_t kDurationMaxNs = 100ull * 365 * 86400 * kSecondNs;

// A whole number and one of the units. False: neither, or more than `max`.
template <std::size_t N>
bool take(std::string_view text, const std::array<Unit, N>& units, std::uint64_t max,
          std::uint64_t& out) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc()) return false;
  std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (suffix.starts_with(' ')) suffix.remove_prefix(1);
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    if (number > max / unit.factor) return false;
    out = number * unit.factor;
    return true;
  }
  return false;
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text, std::string_view option) {
  std::uint64_t bytes = 0;
  if (!take(text, kSizes, std::numeric_limits<std::int64_t>::max(), bytes))
    return fail(Errc::kBadRequest,
                "'" + core::printable(text) + "' is not a size such as 512MiB or 10GiB",
                std::string(option));
  return bytes;
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text, std::string_view option) {
  std::uint64_t ns = 0;
  if (!take(text, kDurations, kDurationMaxNs, ns))
    return fail(Errc::kBadRequest,
                "'" + core::printable(text) + "' is not a duration such as 90s, 15min, 24h or 30d",
                std::string(option));
  return std::chrono::nanoseconds(ns);
}

Result<std::uint64_t> parse_count(std::string_view text, std::string_view option) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    return fail(Errc::kBadRequest, "'" + core::printable(text) + "' is not a whole number",
                std::string(option));
  return number;
}

std::string bytes_in_words(std::uint64_t bytes) {
  return std::to_string(bytes) + " (" + core::human_bytes(bytes) + ")";
}

std::string check_whole_number(const std::string& text, std::uint64_t min) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && value >= min) return {};
  return "must be a whole number from " + std::to_string(min) + " on, not '" + text + "'";
}

}  // namespace sluice::cli
