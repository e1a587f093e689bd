// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::core {

// The first line (from 1) with a dotted key of more than 64 parts; nullopt: none. To be asked
// before a TOML text is parsed: the library bounds how deep values are nested, but not keys, and
// takes a stack frame for each part, so that "a.a.a..." of some 100 KB would end the program.
std::optional<std::size_t> too_deep_line(std::string_view toml);

inline constexpr std::string_view kTooDeepWords = "a dotted key of more than 64 parts";

}  // namespace sluice::core
