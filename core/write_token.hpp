// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/ids.hpp"

namespace sluice::core {

// What an append answers, to ask a read model for its effect: "<gateway>:<epoch>:<lane>:<seq>", as
// "plant-7:e19b447f870d0239:telemetry:42" (docs/protocol.md). Needs no escape in a URL's query.
// Pure.
std::string write_token(std::string_view gateway, Epoch epoch, Lane lane, Seq seq);
// `to` of the identity is 0. kBadRequest.
Result<Identity> parse_write_token(std::string_view text);

}  // namespace sluice::core
