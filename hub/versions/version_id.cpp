// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/version_id.hpp"

#include <charconv>

namespace sluice::hub {
namespace {

// A whole number from 1 as it is written, without a sign or leading zeros.
std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < 1 || text[0] == '0')
    return std::nullopt;
  return out;
}

}  // namespace

std::string VersionId::text() const {
  return std::to_string(version) + (generation == 1 ? "" : "." + std::to_string(generation));
}

std::optional<VersionId> VersionId::parse(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto version = parse_number(text.substr(0, dot));
  if (!version) return std::nullopt;
  if (dot == std::string_view::npos) return VersionId{*version, 1};
  const auto generation = parse_number(text.substr(dot + 1));
  if (!generation || *generation == 1) return std::nullopt;
  return VersionId{*version, *generation};
}

}  // namespace sluice::hub
