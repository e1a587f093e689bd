// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/result.hpp"
#include "hub/settings/hub_settings.hpp"
#include "projection/reactor/reactor.hpp"

namespace sluice::hub {

// Every `*.reactor.toml` that `reactors` names, folders opened, each reactor once. kConfig: a path
// that is not there, a mistake in a file (all of them are told), or two reactors of one name.
core::Result<std::vector<std::shared_ptr<const projection::Reactor>>> load_reactors(
    const HubSettings& settings);

}  // namespace sluice::hub
