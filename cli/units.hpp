// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

// Quantities as the command line takes them. kBadRequest names the option.
namespace sluice::cli {

// "512MiB", "10GiB", "1TiB", or a plain number of bytes.
core::Result<std::uint64_t> parse_bytes(std::string_view text, std::string_view option);
// "90s", "15min", "24h", "30d"; no bare number. At most 100 years.
core::Result<std::chrono::nanoseconds> parse_duration(std::string_view text,
                                                      std::string_view option);
core::Result<std::uint64_t> parse_count(std::string_view text, std::string_view option);

// For options of an unsigned type: CLI11 itself turns -1 into 2^64-1. Empty if `text` is a whole
// number from `min` on, else what is wrong.
std::string check_whole_number(const std::string& text, std::uint64_t min);

// "1073741824 (1.0 GiB)".
std::string bytes_in_words(std::uint64_t bytes);

}  // namespace sluice::cli
