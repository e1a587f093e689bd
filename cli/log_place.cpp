// SPDX-License-Identifier: Apache-2.0
#include "cli/log_place.hpp"

#include "cli/event_source.hpp"
#include "sync/uplink_settings.hpp"

namespace sluice::cli {

using core::Errc;
using core::fail;
using core::Result;

Result<std::filesystem::path> LogPlace::state_folder() const {
  std::filesystem::path folder = state;
  if (state.empty()) {
    const auto settings = sync::load_uplink_settings(config);
    if (!settings) {
      core::Error error = settings.error();
      error.message += "; or name the state folder with --state";
      return error;
    }
    folder = settings->state;
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return folder;
  return fail(Errc::kNotFound, "there is no folder " + folder.string());
}

Result<std::filesystem::path> LogPlace::log() const {
  const auto folder = state_folder();
  if (!folder) return folder.error();
  return log_folder(folder->string());
}

void add_log_place(CLI::App& verb, LogPlace& place) {
  auto* state = verb.add_option("--state", place.state, "The state folder.")->type_name("DIR");
  verb.add_option("--config", place.config, "The gateway's configuration, which names it.")
      ->type_name("FILE")
      ->capture_default_str()
      ->excludes(state);
}

}  // namespace sluice::cli
