// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/ack_desk.hpp"
#include "gateway/status.hpp"
#include "http/router.hpp"

namespace sluice::gateway {

// The routes of the HTTP API (docs/protocol.md). Both arguments outlive the router.
http::Router make_router(AckDesk& acks, const Status& status);

}  // namespace sluice::gateway
