// SPDX-License-Identifier: Apache-2.0
#include "hub/deeds/audit.hpp"

#include "core/codec/json_data.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::hub {

using core::Result;

namespace {

Result<void> append(const std::string& socket, const std::string& stream, std::string_view type,
                    const std::string& json) {
  const auto data = codec::json_to_data(json);
  if (!data) return data.error();
  rpc::BlockingClient::Options options;
  options.timeout = std::chrono::milliseconds(5'000);
  auto client = rpc::BlockingClient::connect(socket, options);
  if (!client) return client.error();
  rpc::Packer params;
  params.array(1).array(1).map(3);
  params.text("stream").text(stream).text("type").text(type).text("data").raw(*data);
  const auto answer = client->call("append", params.take());
  if (!answer) return answer.error();
  return {};
}

}  // namespace

Result<bool> Audit::record(std::string_view type, const core::json::object& data) {
  const std::string json = core::to_json(data);
  log_.warning("audit", type, {{"stream", stream_}, {"data", json}});
  if (socket_.empty()) return false;
  const std::lock_guard lock(mutex_);
  const auto appended = append(socket_, stream_, type, json);
  if (!appended) {
    log_.error("audit",
               "the gateway beside did not take the event: " + core::to_string(appended.error()),
               {{"socket", socket_}});
    return appended.error();
  }
  return true;
}

}  // namespace sluice::hub
