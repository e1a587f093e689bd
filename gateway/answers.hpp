// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "gateway/reader.hpp"
#include "gateway/receipt.hpp"
#include "rpc/pack.hpp"
#include "storage/types.hpp"

// How answers are written, in MessagePack for RPC and in JSON for HTTP. Pure.
namespace sluice::gateway {

// What of an append is not in its answer from the log.
struct AppendOrigin {
  std::string_view gateway;
  std::vector<std::string> streams;  // of each event
};
std::vector<std::string> streams_of(const storage::AppendRequest& request);

// [{gateway, epoch, lane, seq, stream, version, id, duplicate, ack, token}, ...]; of an append that
// was answered from memory [{gateway, lane, stream, id, ack}, ...].
std::string pack_appended(const AppendOrigin& origin, const Receipt& receipt);
core::json::object json_appended(std::string_view gateway, const std::string& stream,
                                 storage::AckMode ack, const storage::Appended& event);

// {events: [bin body, ...], next}
std::string pack_page(const Page& page);
// {"events":[{...}, ...],"next":N}; kCorrupt if a body is none.
core::Result<std::string> json_page(const Page& page);

}  // namespace sluice::gateway
