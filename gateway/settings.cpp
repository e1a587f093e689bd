// SPDX-License-Identifier: Apache-2.0
#include "gateway/settings.hpp"

#include <pwd.h>
#include <unistd.h>

#include <charconv>

#include "core/machine.hpp"

namespace sluice::gateway {
namespace {

using std::chrono::milliseconds;

std::optional<uid_t> uid_of(const std::string& user) {
  uid_t number = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (!user.empty() && error == std::errc{} && end == user.data() + user.size()) return number;
  const passwd* entry = ::getpwnam(user.c_str());  // at start, before any other thread
  if (entry == nullptr) return std::nullopt;
  return entry->pw_uid;
}

void visit_gateway(GatewaySettings& settings, core::SettingsVisitor& visitor) {
  visitor.section("gateway");
  visitor.field("id", settings.id);
  visitor.field("state", settings.state);
  visitor.field("run", settings.run);
  visitor.field("clock_sync_file", settings.clock_sync_file);
  visitor.field("uplink_user", settings.uplink_user);
  visitor.map("lanes", settings.lanes);
}

void visit_ingest(IngestSettings& settings, core::SettingsVisitor& visitor) {
  visitor.section("ingest");
  visitor.field("socket_mode", settings.socket_mode);
  visitor.field("users", settings.users);
  visitor.field("connections_max", settings.connections_max, 1, 4096);
  visitor.field("in_flight_max", settings.in_flight_max, 1, 65'536);
  visitor.bytes("message_bytes_max", settings.message_bytes_max, 4096, 64u << 20);
  visitor.bytes("out_bytes_max", settings.out_bytes_max, 4096, 64u << 20);
  visitor.field("stall_timeout", settings.stall_timeout, milliseconds{1000}, milliseconds{600'000});
  visitor.field("http_listen", settings.http_listen);
  visitor.field("token_file", settings.token_file);
  http::visit(settings.http, visitor);
}

// Each finding is reported right after its section was visited, so that it gets the key's line.
void check_gateway(Settings& settings, core::SettingsVisitor& visitor) {
  const GatewaySettings& own = settings.gateway;
  if (const auto id = core::GatewayId::parse(own.id)) {
    settings.id = *id;
  } else {
    visitor.reject(
        "id", own.id.empty() ? "must be set, to a name of a-z, 0-9 and '-'" : id.error().message);
  }
  if (!own.state.starts_with('/')) visitor.reject("state", "must be an absolute path");
  if (!own.run.starts_with('/')) visitor.reject("run", "must be an absolute path");
  settings.uplink_uids = {::geteuid()};
  if (!own.uplink_user.empty()) {
    const auto uid = uid_of(own.uplink_user);
    if (uid)
      settings.uplink_uids.push_back(*uid);
    else
      visitor.reject("uplink_user", "there is no user '" + own.uplink_user + "'");
  }
  for (const auto& [category, name] : own.lanes) {
    const auto lane = core::parse_lane(name);
    const auto known = core::check_category(category);
    if (!lane)
      visitor.reject("lanes", category + ": " + lane.error().message);
    else if (!known)
      visitor.reject("lanes", known.error().message);
    else if (category == core::kReservedCategory)
      visitor.reject("lanes", "the category sluice is Sluice's own, its lane is system");
    else
      settings.lane_of_category.emplace_back(category, *lane);
  }
}

void check_ingest(Settings& settings, core::SettingsVisitor& visitor) {
  const IngestSettings& own = settings.ingest;
  const char* const mode_end = own.socket_mode.data() + own.socket_mode.size();
  const auto [end, error] =
      std::from_chars(own.socket_mode.data(), mode_end, settings.socket_mode, 8);
  if (own.socket_mode.empty() || error != std::errc{} || end != mode_end ||
      settings.socket_mode > 0777)
    visitor.reject("socket_mode", "must be a file mode like \"0660\"");
  for (const std::string& user : own.users) {
    const auto uid = uid_of(user);
    if (uid)
      settings.ingest_uids.push_back(*uid);
    else
      visitor.reject("users", "there is no user '" + user + "'");
  }
  if (!own.token_file.empty()) {
    auto tokens = http::Tokens::load(own.token_file);
    if (tokens)
      settings.tokens = std::move(*tokens);
    else
      visitor.reject("token_file", tokens.error().message);
  }
  if (own.http_listen.empty()) return;
  const auto address = http::TcpAddress::parse(own.http_listen);
  if (!address) return visitor.reject("http_listen", address.error().message);
  settings.tcp = *address;
  if (!address->loopback && own.token_file.empty())
    visitor.reject("http_listen", "an address that is not loopback needs a token_file");
}

}  // namespace

std::filesystem::path Settings::log_folder() const {
  return std::filesystem::path(gateway.state) / "log";
}

std::filesystem::path Settings::socket(std::string_view name) const {
  return std::filesystem::path(gateway.run) / (std::string(name) + ".sock");
}

core::Result<Settings> load(const std::string& file) {
  auto reader = core::ConfigReader::load(file);
  if (!reader) return reader.error();
  Settings settings;
  visit_gateway(settings.gateway, *reader);
  check_gateway(settings, *reader);
  visit(settings.log, *reader);
  visit_ingest(settings.ingest, *reader);
  check_ingest(settings, *reader);
  // Who this machine is concerns the log as well: each epoch remembers who opened it.
  reader->section("uplink");
  reader->field("machine", settings.machine);
  reader->leave("uplink");
  SLUICE_TRY(reader->finish());
  if (settings.machine.empty()) settings.machine = core::machine_identity();
  return settings;
}

std::string print(Settings& settings) {
  core::ConfigPrinter printer;
  visit_gateway(settings.gateway, printer);
  visit(settings.log, printer);
  visit_ingest(settings.ingest, printer);
  return printer.text();
}

}  // namespace sluice::gateway
