// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/output.hpp"
#include "core/event.hpp"

namespace sluice::cli {

// One event as one line: JSON with everything, or text for people, its data cut to fit.
core::Result<void> print_event(Output& output, std::string_view body);

std::string event_line(const core::EventView& event);

}  // namespace sluice::cli
