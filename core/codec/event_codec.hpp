// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/event.hpp"
#include "core/result.hpp"

// The body of an event: one MessagePack array, docs/event-format.md byte by byte. The gateway
// encodes it once; those bytes are the log's row, the wire's body and the archive's record.
namespace sluice::codec {

inline constexpr std::uint64_t kEventFormat = 1;

// `event.data` must already be canonical. Pure; any thread.
std::string encode_event(const core::EventView& event);
void encode_event(const core::EventView& event, std::string& out);  // replaces out's content

// Checks the whole body (shape, names, data within the limits) and gives views into it.
// kUnsupported: a newer format; kCorrupt: anything else that does not fit.
core::Result<core::EventView> decode_event(std::string_view body);

// As decode_event, without looking into the data: for bytes whose checksum was just verified.
core::Result<core::EventView> decode_trusted(std::string_view body);

std::string encode_epoch_opened(const core::EpochOpened& content);
core::Result<core::EpochOpened> decode_epoch_opened(std::string_view data);
std::string encode_gap(const core::Gap& content);
core::Result<core::Gap> decode_gap(std::string_view data);

}  // namespace sluice::codec
