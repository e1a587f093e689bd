// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/codec/messages.hpp"
#include "core/ids.hpp"
#include "projection/engine/fate.hpp"

// What the trail of an event says in words. Pure.
namespace sluice::hub {

std::string fate_words(const projection::Fate& fate);

// Where an event stands at its gateway, by that one's last report.
struct AtGateway {
  const char* state = "";  // "acknowledged", "waiting", "not there", "other log"
  std::string words;
};
AtGateway at_gateway(const core::Identity& identity, const codec::Report& report);

}  // namespace sluice::hub
