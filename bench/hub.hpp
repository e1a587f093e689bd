// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sync/nats/connection.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::bench {

// A real nats-server with what `sluice provision` makes for shard main.
class Hub {
 public:
  Hub() : Hub(test::NatsServer::Options{}, nats::LoginSettings{}) {}
  // The login is completed with the server's address.
  Hub(test::NatsServer::Options server, nats::LoginSettings login);

  std::string url() const { return server_.url(); }
  std::uint16_t port() const { return server_.port(); }
  void make_stream();    // and the report bucket
  void delete_stream();  // and the report bucket
  std::uint64_t messages();
  // Seconds until the hub stream has so many messages; gives up after `limit` seconds.
  double wait_for(std::uint64_t messages, double limit);
  nats::Connection& connection() { return *connection_; }

 private:
  test::NatsServer server_;
  std::unique_ptr<nats::Connection> connection_;
};

}  // namespace sluice::bench
