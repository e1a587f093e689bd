// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <unordered_map>

#include "gateway/ack_desk.hpp"
#include "gateway/event_input.hpp"
#include "gateway/follower.hpp"
#include "rpc/server.hpp"

namespace sluice::gateway {

// The methods of ingest.sock (docs/protocol.md): append, read, follow, status. On the I/O thread.
class IngestService final : public rpc::Service {
 public:
  // `status`: the encoded map.
  IngestService(AckDesk& acks, std::function<std::string()> status);

  void on_request(const std::shared_ptr<rpc::Session>& session, std::uint32_t id,
                  std::string_view method, rpc::Value params) override;
  void on_room(const std::shared_ptr<rpc::Session>& session) override;
  void on_close(const std::shared_ptr<rpc::Session>& session) override;

 private:
  using SessionPtr = std::shared_ptr<rpc::Session>;
  void append(const SessionPtr& session, std::uint32_t id, rpc::Value params);
  void read(const SessionPtr& session, std::uint32_t id, rpc::Value params);
  void follow(const SessionPtr& session, std::uint32_t id, rpc::Value params);

  AckDesk& acks_;
  LogDesk& desk_;
  const std::function<std::string()> status_;
  const InputLimits limits_;
  std::unordered_map<rpc::Session*, std::shared_ptr<Follower>> followers_;
};

}  // namespace sluice::gateway
