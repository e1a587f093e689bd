// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "http/message.hpp"
#include "hub/versions/model_version.hpp"

// What an answer tells of its own age: docs/hub-api.md, "How old an answer is".
namespace sluice::hub {

// Of the rows of `page`: Sluice-Model-Version, Sluice-State, Sluice-Position, Sluice-Lag-Events,
// Sluice-Lag-Seconds, Sluice-As-Of. What the page was read at is exact; what the hub streams have
// beyond it is as last heard.
void add_standing(const ModelVersion& version, const projection::QueryPage& page,
                  const core::Clock& clock, http::Response& out);

// The strong tag of a table's rows in this state (QueryPage::state) of this version: the same
// whichever worker answers, before and after a start.
std::string entity_tag(const ModelVersion& version, std::uint64_t state);
// If-None-Match names it, or says "*".
bool names_tag(std::string_view if_none_match, std::string_view tag);

}  // namespace sluice::hub
