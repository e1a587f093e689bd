// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes/routes.hpp"
#include "hub/tail/tail.hpp"

namespace sluice::hub {

// GET /v1/tail: events as they reach the hub, as server-sent events.
void add_tail_api(Routes& routes, Tail& tail);

}  // namespace sluice::hub
