// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_road.hpp"

#include <mutex>

#include "cli/json_field.hpp"
#include "cli/net_probe.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
namespace json = core::json;

constexpr std::chrono::milliseconds kTimeout{5'000};

const std::string& first_url(const HubRoad& road) {
  return road.login.urls.front();
}

bool flag_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

struct Complaints {
  std::mutex mutex;
  std::string last;
};
Complaints& complaints() {
  static Complaints all;
  return all;
}

// The program's own login, with its own inbox: the rights found are those that it has.
core::Result<std::unique_ptr<nats::Connection>> log_in(const HubRoad& road) {
  nats::ConnectionOptions options;
  options.login = road.login;
  options.login.urls = {first_url(road)};
  options.name = road.client;
  options.inbox_prefix = road.inbox_prefix;
  options.connect_timeout = kTimeout;
  options.on_error = [](core::Error error) {
    const std::lock_guard lock(complaints().mutex);
    complaints().last = error.message;
  };
  return nats::Connection::connect(options);
}

}  // namespace

std::string last_complaint() {
  const std::lock_guard lock(complaints().mutex);
  return complaints().last;
}

void forget_complaints() {
  const std::lock_guard lock(complaints().mutex);
  complaints().last.clear();
}

Finding check_dns(HubRoad& road) {
  const auto server = host_of_url(first_url(road));
  if (!server) return failed(server.error().message, "Correct urls in " + road.section + ".");
  const auto addresses = resolve(server->host);
  if (!addresses)
    return failed(addresses.error().message,
                  "Is the name right (urls in " + road.section +
                      "), and does this machine have a resolver? resolvectl query " + server->host);
  road.host = server->host;
  road.port = server->port;
  std::string words = server->host + " is";
  for (const std::string& address : *addresses) words += " " + address;
  if (const std::size_t count = road.login.urls.size(); count > 1)
    words += " (the first of " + std::to_string(count) + " urls; the others are not examined)";
  return found(words);
}

Finding check_tcp(HubRoad& road) {
  if (road.host.empty()) return skipped("no address to connect to");
  const std::string where = road.host + ":" + std::to_string(road.port);
  const auto info = nats_greeting({road.host, road.port}, kTimeout);
  if (!info)
    return failed(where + ": " + info.error().message,
                  "Is nats-server running there, and the port open on the way? nc -vz " +
                      road.host + " " + std::to_string(road.port));
  road.answers = true;
  road.wants_tls =
      flag_of(*info, "tls_required") || road.login.tls || first_url(road).starts_with("tls://");
  std::string words = where + " answers: nats-server " + text_at(*info, "version");
  // Without a name of its own a server gives its id, which tells nobody anything.
  if (const std::string name = text_at(*info, "server_name");
      !name.empty() && name != text_at(*info, "server_id"))
    words += " " + name;
  if (!flag_of(*info, "jetstream"))
    return failed(words + ", without JetStream", "Start it with -js, or jetstream {} in its file.");
  return found(words);
}

Finding check_tls(HubRoad& road) {
  if (!road.answers) return skipped("no server to talk to");
  if (!road.wants_tls)
    return road.host == "127.0.0.1" || road.host == "localhost" || road.host == "::1"
               ? skipped("not used on this machine's own server")
               : warn("not used: events and passwords travel in clear",
                      "Set tls on the server, and use tls:// in the urls of " + road.section + ".");
  auto connection = log_in(road);
  if (connection) {
    road.connection = std::move(*connection);
    return found("the server's certificate is good for " + road.host);
  }
  const std::string& words = connection.error().message;
  if (words.find("SSL") != std::string::npos || words.find("certificate") != std::string::npos ||
      words.find("TLS") != std::string::npos) {
    road.tls_failed = true;
    return failed(words,
                  "Does ca_file name the authority that signed the server's certificate, is "
                  "the certificate made for this name, and is this clock right?");
  }
  return found("the handshake ends; what follows it does not");
}

Finding check_login(HubRoad& road) {
  if (!road.answers) return skipped("no server to log in at");
  if (road.tls_failed) return skipped("TLS comes first");
  if (!road.connection) {
    auto connection = log_in(road);
    if (!connection)
      return failed(connection.error().message,
                    connection.error().code == Errc::kConfig
                        ? "Correct the file names in " + road.section +
                              "; run doctor as root if they are secret."
                        : "Is this login known at the server, and in time (a .creds file can "
                          "expire)? The server's log says why it refused.");
    road.connection = std::move(*connection);
  }
  const std::size_t max_payload = road.connection->server_info().max_payload;
  constexpr std::size_t kNeeded = core::limits::kEventBytes + core::limits::kBodyOverheadBytes;
  const std::string words = "logged in at " + road.connection->server_info().url;
  if (max_payload < kNeeded)
    return warn(words + ", which takes messages of " + core::human_bytes(max_payload) + " at most",
                "Larger events would become gap records: set max_payload to " +
                    std::to_string(kNeeded) + " or more at the server.");
  return found(words);
}

}  // namespace sluice::cli
