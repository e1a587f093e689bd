// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/program.hpp"
#include "core/result.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::cli {

// --creds, --nkey, --ca, --cert and --key of a verb that logs in at the NATS server.
void add_login_options(CLI::App& verb, nats::LoginSettings& login);

// Logs in at `url`. kUnavailable says which server and the next step.
core::Result<std::unique_ptr<nats::Connection>> connect_nats(const std::string& url,
                                                             nats::LoginSettings login);

}  // namespace sluice::cli
