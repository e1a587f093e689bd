// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::hub {

struct MailParts {
  std::string sender;  // plain addresses (projection/reactor/mail_text.hpp)
  std::vector<std::string> recipients;
  std::string subject;  // UTF-8 of one line
  std::string body;     // UTF-8
  std::string key;      // makes the Message-ID: the same for each try
  std::int64_t now_ns = 0;
};

// Header and body as RFC 5322 and MIME want them, lines ended by CRLF and at most 78 bytes long but
// for the recipients. The body is base64, so nothing in it can look like a header or an end.
std::string mail_form(const MailParts& parts);

}  // namespace sluice::hub
