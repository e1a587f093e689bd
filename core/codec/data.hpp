// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/limits.hpp"
#include "core/result.hpp"

// An event's data: MessagePack values nil, bool, 64-bit integers, float64, UTF-8 text, bytes,
// arrays, and maps with unique text keys. Canonical means: integers and headers in their shortest
// form, floats as float64. Two clients that send the same values in the same key order therefore
// give the same bytes, which is what "same content" is decided by.
namespace sluice::codec {

struct DataLimits {
  std::size_t bytes = core::limits::kEventBytes;
  std::uint32_t depth = core::limits::kDataDepth;
  std::uint32_t nodes = core::limits::kDataNodes;
};

// Checks exactly one MessagePack value and rewrites it canonically. kBadRequest: truncated,
// trailing bytes, NaN or infinity, ext types, non-text or repeated keys, bad UTF-8, the reserved
// key form
// {"$bytes": ...}. kTooLarge: a limit. Never allocates more than about twice the input.
core::Result<std::string> canonical_data(std::string_view msgpack, const DataLimits& limits = {});

// The length in bytes of the one value that starts at `msgpack`, within the same limits, without
// rewriting it. For framing.
core::Result<std::size_t> value_size(std::string_view msgpack, const DataLimits& limits = {});

}  // namespace sluice::codec
