// SPDX-License-Identifier: Apache-2.0
#include "core/toml_depth.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kDotsMax = 63;
constexpr std::string_view kEndsKey = "=[]{},";

}  // namespace

// Dots within texts count as well: 64 of them in a line without any of the signs that end a key are
// no text that anybody writes. A comment may be drawn of dots.
std::optional<std::size_t> too_deep_line(std::string_view toml) {
  std::size_t line = 1;
  std::size_t dots = 0;
  bool is_blank = true;
  bool is_comment = false;
  for (const char c : toml) {
    if (c == '\n') {
      ++line;
      dots = 0;
      is_blank = true;
      is_comment = false;
      continue;
    }
    if (c == '#' && is_blank) is_comment = true;
    if (c != ' ' && c != '\t') is_blank = false;
    if (kEndsKey.find(c) != std::string_view::npos) {
      dots = 0;
      is_comment = false;
    } else if (c == '.' && !is_comment && ++dots > kDotsMax) {
      return line;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::core
