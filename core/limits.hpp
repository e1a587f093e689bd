// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The limits that belong to the formats. What an operator may set lives in each module's settings.
namespace sluice::core::limits {

inline constexpr std::size_t kGatewayIdBytes = 32;
inline constexpr std::size_t kCategoryBytes = 64;
inline constexpr std::size_t kEntityBytes = 128;
inline constexpr std::size_t kTypeBytes = 64;
inline constexpr std::size_t kEventBytes = 256 * 1024;  // one encoded event body, default and cap
inline constexpr std::size_t kBodyOverheadBytes = 8 * 1024;  // room a hub needs above kEventBytes
inline constexpr std::uint32_t kDataDepth = 16;              // nesting of an event's data
inline constexpr std::uint32_t kDataNodes = 16 * 1024;       // values and keys in an event's data
inline constexpr std::size_t kAtomicAppendEvents = 1000;
inline constexpr std::size_t kReaderRows = 256;  // rows of one read transaction
inline constexpr std::uint64_t kSegmentEvents = 65'536;
inline constexpr std::uint64_t kSegmentBytes = 32u << 20;
inline constexpr std::size_t kStreamsPerLane = 20'000;  // default of [log] streams_max

}  // namespace sluice::core::limits
