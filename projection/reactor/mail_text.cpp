// SPDX-License-Identifier: Apache-2.0
#include "projection/reactor/mail_text.hpp"

#include <algorithm>

namespace sluice::projection {
namespace {

constexpr std::size_t kAddressBytesMax = 254;  // RFC 5321
constexpr std::size_t kLocalBytesMax = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_dotted(std::string_view text, std::string_view signs) {
  if (text.empty() || text.front() == '.' || text.back() == '.' ||
      text.find("..") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || c == '.' || signs.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || text.size() > kAddressBytesMax || at > kLocalBytesMax)
    return false;
  return is_dotted(text.substr(0, at), "!#$%&'*+-/=?^_`{|}~") &&
         is_dotted(text.substr(at + 1), "-");
}

}  // namespace sluice::projection
