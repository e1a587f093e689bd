// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/ack_desk.hpp"
#include "http/message.hpp"

namespace sluice::gateway {

inline constexpr std::size_t kHttpEventsMax = 10'000;  // of one request

// POST /v1/events: one JSON event, an array of them, or NDJSON (application/x-ndjson). Each event
// is an append of its own with an answer of its own, in order, unless `?atomic=true` asks for one.
void append_events(AckDesk& desk, http::Request request, http::Respond respond);

}  // namespace sluice::gateway
