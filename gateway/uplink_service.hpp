// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "gateway/fork_book.hpp"
#include "gateway/log_desk.hpp"
#include "rpc/server.hpp"

namespace sluice::gateway {

// The methods of uplink.sock (docs/protocol.md): what the hub has acknowledged comes back this way,
// since only sluiced writes the log. On the I/O thread.
class UplinkService final : public rpc::Service {
 public:
  UplinkService(LogDesk& desk, ForkBook& forks, const core::Clock& clock, core::Logger& logger);
  // The log went back under this running program, in the uplink's words: it has to end, and its
  // next start sends again, in a new epoch, what the hub has not acknowledged.
  void on_went_back(std::function<void(const std::string&)> call) { on_went_back_ = call; }

  void on_request(const std::shared_ptr<rpc::Session>& session, std::uint32_t id,
                  std::string_view method, rpc::Value params) override;
  void on_notification(const std::shared_ptr<rpc::Session>& session, std::string_view method,
                       rpc::Value params) override;
  void on_room(const std::shared_ptr<rpc::Session>& session) override;
  void on_close(const std::shared_ptr<rpc::Session>& session) override;

  // The uplink's own words of its link, an encoded map; {state: "stopped"} while none is connected.
  std::string link() const;
  bool connected() const { return !peers_.empty(); }
  std::uint64_t acks() const { return acks_; }

 private:
  using SessionPtr = std::shared_ptr<rpc::Session>;
  struct Peer {
    SessionPtr session;
    bool bell_waits = false;  // rung while the last bell was not taken
  };
  core::Result<std::string> hello(const SessionPtr& session);
  core::Result<std::string> acks(const rpc::Value& params);
  core::Result<std::string> receipt(const rpc::Value& params);
  void rewind(const SessionPtr& session, std::uint32_t id, const rpc::Value& params);
  void set_aside(const SessionPtr& session, std::uint32_t id, const rpc::Value& params);
  void own_event(const SessionPtr& session, std::uint32_t id, const rpc::Value& params);
  void went_back(const SessionPtr& session, std::uint32_t id, const rpc::Value& params);
  void ring();

  LogDesk& desk_;
  ForkBook& forks_;
  const core::Clock& clock_;
  core::Logger& logger_;
  std::unordered_map<rpc::Session*, Peer> peers_;
  std::string link_;
  std::int64_t gone_since_ns_;
  std::uint64_t acks_ = 0;
  std::function<void(const std::string&)> on_went_back_;
};

}  // namespace sluice::gateway
