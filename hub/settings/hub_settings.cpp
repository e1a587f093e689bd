// SPDX-License-Identifier: Apache-2.0
#include "hub/settings/hub_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/ids.hpp"
#include "projection/database/pg_login.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

void visit(HubSettings& settings, core::SettingsVisitor& visitor) {
  using std::chrono::milliseconds;
  visitor.section("hub");
  visitor.field("name", settings.name);
  if (!core::is_shard_name(settings.name)) visitor.reject("name", "must be [a-z0-9-]{1,32}");
  visitor.field("shards", settings.shards);
  if (settings.shards.empty()) visitor.reject("shards", "name at least one shard");
  std::set<std::string> seen;
  for (const auto& shard : settings.shards) {
    if (!core::is_shard_name(shard)) visitor.reject("shards", "a shard is [a-z0-9-]{1,32}");
    if (!seen.insert(shard).second) visitor.reject("shards", shard + " is named twice");
  }
  visitor.field("models", settings.models);
  if (settings.models.empty()) visitor.reject("models", "name at least one file or folder");
  visitor.field("reactors", settings.reactors);
  visitor.field("state", settings.state);
  if (settings.state.empty()) visitor.reject("state", "must be a folder");
  visitor.field("postgres", settings.postgres);
  if (const auto login = projection::postgres_login(settings.postgres, {}); !login)
    visitor.reject("postgres", login.error().message);
  visitor.field("postgres_password_file", settings.postgres_password_file);
  if (settings.postgres.empty() && !settings.postgres_password_file.empty())
    visitor.reject("postgres_password_file", "names a password, but postgres names no server");
  visitor.field("listen", settings.listen);
  visitor.field("token_file", settings.token_file);
  const auto address = http::TcpAddress::parse(settings.listen);
  if (!address)
    visitor.reject("listen", address.error().message);
  else if (!address->loopback && settings.token_file.empty())
    visitor.reject("listen", "other machines can reach this address: name a token_file");
  visitor.field("gateway_socket", settings.gateway_socket);
  visitor.field("check_interval", settings.check_interval, milliseconds(100),
                milliseconds(600'000));
  visitor.field("verify_interval", settings.verify_interval, milliseconds(0),
                milliseconds(366LL * 86'400'000));
  visitor.field("verify_sample", settings.verify_sample, 0, INT64_MAX);
  visitor.field("keep_versions", settings.keep_versions, 0, 100);
  visitor.field("workers", settings.workers);
  visitor.field("worker", settings.worker);
  if (settings.workers && !core::is_shard_name(settings.worker))
    visitor.reject("worker", "name this worker with [a-z0-9-]{1,32}, each its own");
  if (settings.workers && !settings.reactors.empty())
    visitor.reject("reactors", "a reactor lives on one machine: give it a hub without workers");
  visitor.field("lease_ttl", settings.lease_ttl, milliseconds(1'000), milliseconds(120'000));
  visit(settings.login, visitor);
  visit(settings.http, visitor);
}

Result<HubSettings> load_settings(const std::string& file) {
  auto reader = core::ConfigReader::load(file);
  if (!reader) return reader.error();
  HubSettings settings;
  visit(settings, *reader);
  SLUICE_TRY(reader->finish());
  return settings;
}

std::string print_settings(HubSettings settings) {
  core::ConfigPrinter printer;
  visit(settings, printer);
  return printer.text();
}

Result<std::string> postgres_login(const HubSettings& settings) {
  if (settings.postgres.empty()) return std::string();
  if (settings.postgres_password_file.empty())
    return projection::postgres_login(settings.postgres, {});
  const auto path = nats::resolve_file(settings.postgres_password_file);
  if (!path) return path.error();
  std::ifstream file(*path);
  std::string password;
  if (!std::getline(file, password) || password.empty())
    return fail(Errc::kConfig, *path + ": no password in its first line, or it cannot be read",
                "hub.postgres_password_file");
  return projection::postgres_login(settings.postgres, password);
}

Result<std::vector<std::string>> model_files(const HubSettings& settings) {
  constexpr std::string_view kSuffix = ".model.toml";
  std::set<std::string> files;
  for (const std::string& path : settings.models) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      for (const auto& entry : fs::directory_iterator(path, error))
        // As a shell's *: what an editor keeps beside a file under a hidden name is no model.
        if (const std::string name = entry.path().filename().string();
            name.ends_with(kSuffix) && !name.starts_with('.'))
          files.insert(entry.path().string());
      if (error) return fail(Errc::kConfig, path + ": " + error.message(), "hub.models");
    } else if (fs::is_regular_file(path, error)) {
      files.insert(path);
    } else {
      return fail(Errc::kConfig, path + ": no such model file or folder", "hub.models");
    }
  }
  if (files.empty())
    return fail(Errc::kConfig, "no *.model.toml in the folders named", "hub.models");
  return std::vector<std::string>(files.begin(), files.end());
}

}  // namespace sluice::hub
