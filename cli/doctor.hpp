// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "storage/log_reader.hpp"
#include "sync/nats/connection.hpp"
#include "sync/uplink_settings.hpp"

// The checks of `sluice doctor`. None needs a running daemon, and none changes anything but a
// scratch file beside the log that is removed again.
namespace sluice::cli {

struct Finding {
  enum class State { kOk, kWarning, kFailed, kSkipped };
  State state = State::kOk;
  std::string words;      // what was found, with its figures
  std::string next_step;  // empty if there is nothing to do
  core::json::object figures = {};
};

inline Finding found(std::string words) {
  return {Finding::State::kOk, std::move(words), {}};
}
inline Finding warn(std::string words, std::string next_step) {
  return {Finding::State::kWarning, std::move(words), std::move(next_step)};
}
inline Finding failed(std::string words, std::string next_step) {
  return {Finding::State::kFailed, std::move(words), std::move(next_step)};
}
inline Finding skipped(std::string words) {
  return {Finding::State::kSkipped, std::move(words), {}};
}

// What the checks learn for one another, in the order in which they run.
struct Patient {
  std::string config_file;
  double disk_seconds = 3;
  const core::Clock& clock;
  std::optional<sync::UplinkSettings> uplink = {};
  std::unique_ptr<storage::LogReader> log = {};  // null: there is none (yet), or it cannot be read
  double events_per_day = 0;                     // 0: the log does not say
  std::string hub_host = {};
  std::uint16_t hub_port = 0;
  bool hub_answers = false;
  bool hub_wants_tls = false;
  bool tls_failed = false;
  std::unique_ptr<nats::Connection> hub = {};  // after login
};

Finding check_config(Patient& patient);
Finding check_state_folder(Patient& patient);
Finding check_history(Patient& patient);
Finding check_disk(Patient& patient);
Finding check_clock(Patient& patient);
Finding check_dns(Patient& patient);
Finding check_tcp(Patient& patient);
Finding check_tls(Patient& patient);
Finding check_login(Patient& patient);
Finding check_hub_stream(Patient& patient);
Finding check_publish_right(Patient& patient);
Finding check_report(Patient& patient);
Finding check_anchors(Patient& patient);

}  // namespace sluice::cli
