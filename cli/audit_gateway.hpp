// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/program.hpp"
#include "sync/nats/login_settings.hpp"

namespace sluice::cli {

// `sluice audit --gateway ID`: the hub stream alone, checked by the gateway's own hash chain.
ExitCode audit_gateway(Program& program, const std::string& gateway, const std::string& shard,
                       const nats::LoginSettings& login);

// What --gateway names: a gateway's id, and not the path of a socket or folder.
bool is_gateway_id(const std::string& text);

}  // namespace sluice::cli
