// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config_reader.hpp"
#include "core/result.hpp"
#include "http/server.hpp"
#include "sync/nats/login_settings.hpp"

namespace sluice::hub {

// The one section of sluice-hub's own file.
struct HubSettings {
  std::string name = "hub";                                  // of this hub, [a-z0-9-]{1,32}
  std::vector<std::string> shards = {"main"};                // read whole, each its own hub stream
  std::vector<std::string> models = {"/etc/sluice/models"};  // files, or folders of *.model.toml
  std::vector<std::string> reactors;                         // files, or folders of *.reactor.toml
  std::string state = "/var/lib/sluice-hub";                 // a database per model
  // For models with target = "postgres": libpq's key=value or URI, and the file of its password (a
  // path, or "credential:<name>"). postgres_login() puts them together.
  std::string postgres;
  std::string postgres_password_file;
  std::string listen = "127.0.0.1:8090";  // port 0: a free one, named in the log
  std::string token_file;                 // then every API request over TCP needs a token
  std::string gateway_socket;             // ingest.sock of a sluiced beside, for audit events
  std::chrono::milliseconds check_interval{60'000};       // how often each position is looked up
  std::chrono::milliseconds verify_interval{86'400'000};  // of each model; 0: never by itself
  std::int64_t verify_sample = 0;                         // rows that are compared then; 0: all
  std::int64_t keep_versions = 2;                         // of a model, beside the one that serves
  // Several sluice-hub with one `name` share the shards; all of their models are in PostgreSQL.
  bool workers = false;
  std::string worker;                           // this one of them, [a-z0-9-]{1,32}
  std::chrono::milliseconds lease_ttl{10'000};  // how long a worker that died keeps its shards
  nats::LoginSettings login;
  // Of these 64 may wait for their writes (hub/api/rows.hpp) and 32 be open streams: the rest is
  // left for those who want an answer, health checks among them.
  http::ServerSettings http = {.connections_max = 256};
};

void visit(HubSettings& settings, core::SettingsVisitor& visitor);

// kConfig, one line per finding with file, line and key.
core::Result<HubSettings> load_settings(const std::string& file);
std::string print_settings(HubSettings settings);

// The connection to the read database: empty if none is set. kConfig: the password's file cannot be
// read.
core::Result<std::string> postgres_login(const HubSettings& settings);

// The model files that `models` names, folders opened, sorted, each once. kConfig: a path that is
// not there, or no model at all.
core::Result<std::vector<std::string>> model_files(const HubSettings& settings);

}  // namespace sluice::hub
