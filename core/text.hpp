// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace sluice::core {

// Well-formed UTF-8 in the sense of RFC 3629 (no surrogates, no overlong forms).
bool is_utf8(std::string_view bytes);

// For messages: at most 80 bytes, everything that is not printable ASCII shown as \xNN.
std::string printable(std::string_view bytes);

// Every piece between separators, empty ones too. The views point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);                  // RFC 4648, padded
std::optional<std::string> from_base64(std::string_view text);  // strict: padded, canonical

// "2026-11-21T03:14:15.123456789Z" <-> nanoseconds since the Unix epoch. Parsing takes RFC 3339
// with 'T' or a space, an optional fraction of 1 to 9 digits, and 'Z', an offset, or nothing (UTC).
std::string format_time(std::int64_t unix_ns);
Result<std::int64_t> parse_time(std::string_view text);

// "1.4 MiB", "312 B"; "2 d 4 h", "350 ms". For people only.
std::string human_bytes(std::uint64_t bytes);
std::string human_duration(std::int64_t ns);

}  // namespace sluice::core
