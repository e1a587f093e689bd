// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/hub.hpp"
#include "hub/settings/hub_settings.hpp"

namespace sluice::hub {

// Serves HTTP on the calling thread until SIGTERM or SIGINT, then ends in order: no new requests,
// those in work are answered, batches in work are committed. Tells systemd of readiness and life.
// kConfig: address or tokens; kBusy: the port is in use; kInternal: only a restart can help.
core::Result<void> serve(Hub& hub, const HubSettings& settings, core::Logger& log);

}  // namespace sluice::hub
