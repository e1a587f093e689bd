// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// An event on its way to the gateway, in the words of its `append` method. The gateway checks names
// and data again; what is checked here is what could not be sent at all.
struct OutgoingEvent {
  std::string stream;
  std::string type;
  std::string data = {};  // canonical MessagePack
  std::optional<core::Uuid> id = {};
  std::optional<std::string> occurred_at = {};      // RFC 3339
  std::optional<std::int64_t> occurred_at_ns = {};  // instead of occurred_at
  std::string expect = {};  // "any", "none", "exists", a version; empty: any

  // The params of `append` for this one event.
  std::string append_params() const;
};

// One line of JSON: {"stream", "type", "data", "id"?, "occurred_at"?, "expect"?}, nothing else.
// `data` keeps every bit: it never becomes a tree of doubles. kBadRequest, kTooLarge.
core::Result<OutgoingEvent> event_from_json(std::string_view line);

// "any", "none", "exists" or a version; kBadRequest otherwise.
core::Result<void> check_expect(std::string_view expect);

}  // namespace sluice::cli
