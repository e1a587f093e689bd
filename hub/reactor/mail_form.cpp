// SPDX-License-Identifier: Apache-2.0
#include "hub/reactor/mail_form.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "core/text.hpp"

namespace sluice::hub {
namespace {

constexpr std::size_t kPlainSubjectMax = 60;
constexpr std::size_t kWordBytes = 39;  // 52 in base64, with the word's frame and "Subject: " 73
constexpr std::size_t kLineBytes = 57;  // 76 in base64

bool is_plain(std::string_view text) {
  return text.size() <= kPlainSubjectMax && text.find("=?") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// RFC 2047: words of whole characters, one a line.
std::string encoded(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t end = std::min(kWordBytes, text.size());
    while (end < text.size() && end > 1 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + core::to_base64(text.substr(0, end)) +
           "?=";
    text.remove_prefix(end);
  }
  return out;
}

std::string date(std::int64_t now_ns) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now_ns / 1'000'000'000;
  std::tm at{};
  gmtime_r(&seconds, &at);
  std::array<char, 64> rest{};
  const std::size_t size = std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S +0000", &at);
  // Not strftime's names: they are the locale's.
  return std::string(kDays[static_cast<std::size_t>(at.tm_wday)]) + ", " +
         std::to_string(at.tm_mday) + " " + kMonths[static_cast<std::size_t>(at.tm_mon)] + " " +
         std::string(rest.data(), size);
}

}  // namespace

std::string mail_form(const MailParts& parts) {
  std::string to;
  for (const std::string& recipient : parts.recipients)
    to += (to.empty() ? "<" : ",\r\n <") + recipient + ">";
  std::string out = "Date: " + date(parts.now_ns) + "\r\nFrom: <" + parts.sender +
                    ">\r\nTo: " + to + "\r\nSubject: " + encoded(parts.subject) +
                    "\r\nMessage-ID: <" + parts.key + parts.sender.substr(parts.sender.find('@')) +
                    ">\r\nIdempotency-Key: " + parts.key +
                    "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\n";
  // Lines of a text part end with CRLF, in base64 as well.
  std::string body;
  for (std::size_t at = 0; at < parts.body.size(); ++at) {
    if (parts.body[at] == '\n' && (at == 0 || parts.body[at - 1] != '\r')) body += '\r';
    body += parts.body[at];
  }
  for (std::size_t at = 0; at < body.size(); at += kLineBytes)
    out += core::to_base64(std::string_view(body).substr(at, kLineBytes)) + "\r\n";
  return out;
}

}  // namespace sluice::hub
