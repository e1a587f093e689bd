// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/codec/data.hpp"
#include "core/event.hpp"

// JSON <-> an event's data, without loss in either direction. Integers must fit 64 bits (a larger
// one is refused, never turned into a float); a number with '.' or 'e' is a float64; bytes are the
// object {"$bytes": "<base64>"}, which is refused as a MessagePack map so that the two forms stay
// one to one.
namespace sluice::codec {

// One JSON value to canonical data. kBadRequest / kTooLarge as canonical_data.
core::Result<std::string> json_to_data(std::string_view json, const DataLimits& limits = {});

// Appends the value's JSON. `data` must be valid (canonical_data or decode_event accepted it).
void data_to_json(std::string_view data, std::string& out);

// Appends a JSON string, quotes and escapes included.
void append_json_text(std::string_view utf8, std::string& out);

// Appends a whole event as one JSON object: gateway, epoch, lane, seq, stream, version, type, id,
// occurred_at, recorded_at, clock_trusted, data. Times as RFC 3339. Used by every JSON reader.
void event_to_json(const core::EventView& event, std::string& out);

}  // namespace sluice::codec
