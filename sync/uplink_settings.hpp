// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config_reader.hpp"
#include "core/ids.hpp"
#include "sync/forwarder.hpp"
#include "sync/nats/login_settings.hpp"

namespace sluice::sync {

// What sluice-uplink reads of the gateway's one file: [uplink], and of [gateway] who it is and
// where.
struct UplinkSettings {
  // [gateway], as sluiced has it
  std::string id;
  std::string state = "/var/lib/sluice";
  std::string run = "/run/sluice";
  std::string clock_sync_file;

  // [uplink]
  std::string shard = "main";
  nats::LoginSettings login;
  std::chrono::milliseconds connect_timeout{10'000};  // per server
  std::chrono::milliseconds report_interval = std::chrono::minutes(5);
  std::chrono::milliseconds report_change_interval = std::chrono::minutes(1);  // at least, between
  std::string machine;      // who this machine is, if its board and network cards do not say
  bool takeover = false;    // never stop as a clone of another machine
  std::string receipt_key;  // the centre's public key: whose receipts for bundles count
  std::int64_t window_events = 256;
  std::uint64_t window_bytes = 128 * 1024;
  std::chrono::milliseconds ack_timeout{10'000};
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(2);  // no progress: exit
  std::uint64_t rewind_ask_bytes = 1u << 30;  // above it a rewind waits for an operator; 0: never
  std::chrono::milliseconds rewind_jitter{30'000};                      // a rewind begins within it
  std::chrono::milliseconds hub_look_interval = std::chrono::hours(1);  // is it still the same?
  std::vector<std::string> live;  // categories whose current values are also published unstored
  std::chrono::milliseconds live_interval{1'000};
  // [uplink.<lane>]
  std::array<std::uint64_t, core::kLaneCount> budgets{};  // bytes per second; 0: no limit

  std::filesystem::path log_folder() const { return std::filesystem::path(state) / "log"; }
  std::filesystem::path socket() const { return std::filesystem::path(run) / "uplink.sock"; }
  std::filesystem::path lock_file() const { return std::filesystem::path(run) / "uplink.lock"; }
  // Made by `sluice-uplink --takeover`, taken away by the running one.
  std::filesystem::path takeover_file() const {
    return std::filesystem::path(run) / "uplink.takeover";
  }
  // Made by `sluice-uplink --allow-rewind`, taken away when the rewinds are done.
  std::filesystem::path allow_rewind_file() const {
    return std::filesystem::path(run) / "uplink.allow-rewind";
  }
  ForwarderSettings forwarder() const;
};

void visit(UplinkSettings& settings, core::SettingsVisitor& visitor);

// kConfig: with one line per error, each naming file, line and key.
core::Result<UplinkSettings> load_uplink_settings(const std::string& path);

}  // namespace sluice::sync
