// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice::projection {

// One plain address: local@domain, of letters, digits and the signs that need no quoting, at most
// 254 bytes. What is not, never reaches a mail server: no list, no display name, no line end.
bool is_mail_address(std::string_view text);

}  // namespace sluice::projection
