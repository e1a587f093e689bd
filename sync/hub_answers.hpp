// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "sync/effects.hpp"
#include "sync/nats/connection.hpp"
#include "sync/report_keeper.hpp"

// Reads what JetStream answers to raw requests. Pure.
namespace sluice::sync {

// $JS.API.STREAM.INFO.<name>. kNotFound: there is no such hub stream; kUnavailable: nobody answers.
core::Result<HubStream> read_stream_info(const std::string& name, const nats::Message& message);

// $JS.API.DIRECT.GET.<hub stream>.<subject>: nullopt if nothing is stored there.
core::Result<std::optional<StoredMessage>> read_stored(const nats::Message& message);
core::Result<std::optional<StoredReport>> read_stored_report(const nats::Message& message);

PutAnswer read_put_answer(const nats::Message& message);

}  // namespace sluice::sync
