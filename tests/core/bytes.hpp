// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/text.hpp"

namespace sluice::test {

// "82a161" -> the three bytes; everything that is not a hex digit is passed over.
inline std::string bytes(std::string_view digits) {
  std::string out;
  int high = -1;
  for (const char c : digits) {
    const auto at = std::string_view("0123456789abcdef").find(c);
    if (at == std::string_view::npos) continue;
    const int digit = static_cast<int>(at);
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return out;
}

inline std::string hex(std::string_view bytes) {
  return core::to_hex(bytes);
}

}  // namespace sluice::test
