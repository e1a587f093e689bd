// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include <array>

namespace sluice::core {
namespace {

constexpr std::array<std::string_view, 14> kWords = {
    "bad_request", "too_large", "version_conflict", "id_conflict", "limit",
    "busy",        "not_found", "unauthorized",     "unavailable", "corrupt",
    "io",          "config",    "unsupported",      "internal"};

}  // namespace

std::string_view error_word(Errc code) {
  return kWords[static_cast<std::size_t>(code)];
}

Errc error_from_word(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i] == word) return static_cast<Errc>(i);
  return Errc::kInternal;
}

std::string to_string(const Error& error) {
  std::string text{error_word(error.code)};
  text += ": ";
  text += error.message;
  if (!error.field.empty()) text += " (field " + error.field + ")";
  return text;
}

}  // namespace sluice::core
