// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_set>

#include "rpc/connection.hpp"
#include "rpc/server.hpp"

namespace sluice::rpc {

// A Server's side of one connection: counts what is in work, and stops reading while that or what
// the peer has not taken is too much. Internal to rpc.
class ServerSession final : public Session,
                            public Connection::Owner,
                            public std::enable_shared_from_this<ServerSession> {
 public:
  class Home {
   public:
    virtual ~Home() = default;
    virtual Service& service() = 0;
    virtual const ServerSettings& settings() const = 0;
    virtual void ended(const std::shared_ptr<ServerSession>& session) = 0;
  };

  // `refused`: the peer may not be here; its first request is told so.
  ServerSession(Home& home, core::PeerCredentials peer, bool refused);
  void start(Connection::Socket socket);
  void drain();    // reads no more; ends when all is answered and written
  void abandon();  // the Server goes: ends at once, and tells nobody
  void end_if_stalled(Connection::Time now);

  const core::PeerCredentials& peer() const override { return peer_; }
  void answer(std::uint32_t id, core::Result<std::string> result) override;
  void notify(std::string_view method, std::string_view params) override;
  std::size_t out_bytes() const override;
  bool has_room() const override;
  void hold(bool held) override;
  bool open() const override { return connection_ != nullptr; }
  void close() override;

  void on_frame(const Frame& frame) override;
  void on_end() override { drain(); }
  void on_broken(const core::Error& why) override;
  void on_closed(const core::Error& why) override;
  void on_written() override;

 private:
  void send(std::string_view message);
  void regulate();

  Home& home_;
  const core::PeerCredentials peer_;
  const bool refused_;
  std::shared_ptr<Connection> connection_;
  std::unordered_set<std::uint32_t> in_work_;
  bool draining_ = false;
  bool held_ = false;
  bool was_full_ = false;
};

}  // namespace sluice::rpc
