// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/centre_findings.hpp"
#include "cli/doctor_centre.hpp"
#include "cli/hub.hpp"
#include "cli/json_field.hpp"
#include "core/clock.hpp"
#include "core/subject.hpp"
#include "http/client.hpp"
#include "sync/nats/hub_stream_query.hpp"

// The checks that ask sluice-hub itself.
namespace sluice::cli {
namespace {

namespace json = core::json;

std::string url_of(const Centre& centre) {
  return centre.api_url.empty() ? "http://" + centre.settings->listen : centre.api_url;
}

// Longer than a model waits for a lock on its database.
constexpr std::chrono::seconds kLockPatience{8};
constexpr std::chrono::milliseconds kNatsTimeout{2'000};

// The document of an answer, or what to say instead.
core::Result<json::object> ask(const Centre& centre, const char* path) {
  auto answer = Hub(url_of(centre)).get(path);
  if (!answer) return answer.error();
  if (!answer->is_object())
    return core::fail(core::Errc::kCorrupt,
                      "the answer to " + std::string(path) + " has another form");
  return std::move(answer->get_object());
}

Finding no_answer(const core::Error& error) {
  return failed(error.message, error.code == core::Errc::kUnauthorized
                                   ? "Put a line of token_file into SLUICE_HUB_TOKEN."
                                   : "journalctl -u sluice-hub");
}

// What a clock showed, and when that was by the monotonic clock here.
struct Reading {
  std::int64_t wall_ns;
  std::uint64_t at_ns;
};

core::Result<Reading> time_of(const core::Result<json::object>& answer, const char* field) {
  if (!answer) return answer.error();
  const auto time = time_at(*answer, field);
  if (!time)
    return core::fail(core::Errc::kUnsupported, std::string("no ") + field + " in its answer");
  return Reading{*time, core::SystemClock().monotonic_ns()};
}

// From a consumer that is made for it and let go: every nats-server dates it, and sluice-hub's
// login may make one.
core::Result<Reading> nats_time(const Centre& centre) {
  const std::string name = core::hub_stream_name(centre.settings->shards.front());
  const json::object wish{{"stream_name", name},
                          {"config", json::object{{"ack_policy", "none"},
                                                  {"deliver_policy", "new"},
                                                  {"mem_storage", true},
                                                  {"num_replicas", 1},
                                                  {"inactive_threshold", 1'000'000'000}}}};
  const auto made = nats::api_request(*centre.nats(), "$JS.API.CONSUMER.CREATE." + name,
                                      core::to_json(wish), kNatsTimeout);
  const auto time = time_of(made, "created");
  if (made)
    (void)centre.nats()->publish("$JS.API.CONSUMER.DELETE." + name + "." + text_at(*made, "name"),
                                 "");
  return time;
}

core::Result<Reading> hub_time(const Centre& centre) {
  return time_of(ask(centre, "/v1/gateways"), "now");
}

std::int64_t ahead_s(const Reading& one, const Reading& other) {
  const auto between_ns = static_cast<std::int64_t>(one.at_ns - other.at_ns);
  return (one.wall_ns - between_ns) / 1'000'000'000 - other.wall_ns / 1'000'000'000;
}

}  // namespace

Findings check_hub_api(Centre& centre) {
  if (!centre.settings && centre.api_url.empty())
    return {skipped("the configuration does not say where it listens")};
  auto endpoint = http::Endpoint::parse(url_of(centre));
  if (!endpoint) return {failed(endpoint.error().message, "Correct listen in [hub].")};
  http::Client client(*endpoint);
  const auto answer = client.get("/readyz");
  if (!answer)
    return {failed("nobody answers at " + url_of(centre) + ": " + answer.error().message,
                   "systemctl status sluice-hub; it says in its log why it does not start. Port 0 "
                   "in listen: name the address with --hub.")};
  centre.api_answers = true;
  if (answer->status != 200) return {finding_of_unready(url_of(centre), answer->body)};
  return {found("it answers at " + url_of(centre) + " and reads every shard")};
}

Findings check_hub_clock(Centre& centre) {
  if (centre.nats() == nullptr)
    return {skipped("not logged in at NATS, whose clock dates reports")};
  const auto nats = nats_time(centre);
  if (!nats) return {skipped("NATS does not tell its time: " + nats.error().message)};
  if (!centre.api_answers && !centre.api_url.empty())
    return {skipped("sluice-hub does not answer")};
  const core::SystemClock clock;
  if (!centre.api_answers)
    return {finding_of_clock("this machine's",
                             ahead_s({clock.wall_ns(), clock.monotonic_ns()}, *nats))};
  const auto hub = hub_time(centre);
  if (!hub) return {no_answer(hub.error())};
  centre.hub_ahead_s = ahead_s(*hub, *nats);
  return {finding_of_clock("sluice-hub's", *centre.hub_ahead_s)};
}

Findings check_models(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  auto models = ask(centre, "/v1/models");
  // A model that waits for a lock says so only when its patience ends.
  for (const auto until = std::chrono::steady_clock::now() + kLockPatience;
       models && may_be_stuck(*models) && std::chrono::steady_clock::now() < until;
       models = ask(centre, "/v1/models"))
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  if (!models) return {no_answer(models.error())};
  return findings_of_models(*models);
}

Findings check_holds(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  const auto holds = ask(centre, "/v1/holds");
  if (!holds) return {no_answer(holds.error())};
  const auto gateways = ask(centre, "/v1/gateways");
  return findings_of_holds(*holds, gateways ? *gateways : json::object());
}

Findings check_gateways(Centre& centre) {
  if (!centre.api_answers) return {skipped("sluice-hub does not answer")};
  const auto gateways = ask(centre, "/v1/gateways");
  if (!gateways) return {no_answer(gateways.error())};
  return findings_of_gateways(*gateways, {.nats_answers = !centre.road || centre.nats() != nullptr,
                                          .hub_ahead_s = centre.hub_ahead_s});
}

}  // namespace sluice::cli
