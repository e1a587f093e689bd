// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config_reader.hpp"
#include "core/ids.hpp"
#include "http/server.hpp"
#include "storage/log_settings.hpp"

namespace sluice::gateway {

// [gateway]: who this is and where its things are.
struct GatewaySettings {
  std::string id;                         // [a-z0-9-]{1,32}; must be set
  std::string state = "/var/lib/sluice";  // the log is in <state>/log
  std::string run = "/run/sluice";        // the sockets
  std::string clock_sync_file;  // while it is there the clock is right; "": the kernel says
  std::string uplink_user;      // who may use uplink.sock beside sluiced's own uid
  std::vector<std::pair<std::string, std::string>> lanes;  // category = "lane"
};

// [ingest]: who may hand in events, and how much at once.
struct IngestSettings {
  std::string socket_mode = "0660";   // of ingest.sock and http.sock
  std::vector<std::string> users;     // allowed on ingest.sock; empty: whom the mode lets in
  std::int64_t connections_max = 64;  // of ingest.sock
  std::int64_t in_flight_max = 256;   // unanswered requests of one connection
  std::uint64_t message_bytes_max = 1u << 20;
  std::uint64_t out_bytes_max = 1u << 20;
  std::chrono::milliseconds stall_timeout{30'000};
  std::string http_listen;  // "127.0.0.1:8080"; empty: no TCP
  std::string token_file;   // bearer tokens for TCP, one per line
  http::ServerSettings http;
};

// All that sluiced reads of the gateway's file. The uplink's section is the uplink's.
struct Settings {
  GatewaySettings gateway;
  storage::LogSettings log;
  IngestSettings ingest;

  // What the texts above mean; set by load().
  std::optional<core::GatewayId> id;
  std::string machine;  // [uplink] machine, else what board and network cards say
  storage::LaneMap lane_of_category;
  unsigned socket_mode = 0660;
  std::vector<uid_t> ingest_uids;
  std::vector<uid_t> uplink_uids;
  std::optional<http::TcpAddress> tcp;
  http::Tokens tokens;

  std::filesystem::path log_folder() const;
  std::filesystem::path socket(std::string_view name) const;  // "ingest", "http", "uplink"
};

// kConfig, one line per error: file, line, key, reason. Also looks at what the file refers to
// (users, the token file).
core::Result<Settings> load(const std::string& file);

// The effective settings as TOML that load() takes back.
std::string print(Settings& settings);

}  // namespace sluice::gateway
