// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/finding.hpp"
#include "sync/nats/connection.hpp"
#include "sync/nats/login_settings.hpp"

namespace sluice::cli {

// The way to the NATS server with a program's own login, step by step, so that each step is blamed
// for itself alone. What a step learns is kept for those after it.
struct HubRoad {
  nats::LoginSettings login;
  std::string client;        // the connection's name
  std::string inbox_prefix;  // the inbox that the login may use
  std::string section;       // of its configuration, for what to correct: "[uplink]"

  std::string host = {};
  std::uint16_t port = 0;
  bool answers = false;
  bool wants_tls = false;
  bool tls_failed = false;
  std::unique_ptr<nats::Connection> connection = {};  // after the login
};

Finding check_dns(HubRoad& road);
Finding check_tcp(HubRoad& road);
Finding check_tls(HubRoad& road);
Finding check_login(HubRoad& road);

// What the server last complained of, as a right that is missing, since forget_complaints(): it is
// said on the connection and nowhere else. Any thread.
std::string last_complaint();
void forget_complaints();

}  // namespace sluice::cli
