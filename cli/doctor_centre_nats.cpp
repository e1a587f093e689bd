// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "cli/doctor_centre.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_plan.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/pull_consumer.hpp"

// The checks at NATS, with the login of sluice-hub and its rights.
namespace sluice::cli {
namespace {

using core::Errc;
namespace json = core::json;

constexpr std::chrono::milliseconds kTimeout{5'000};
constexpr double kNearlyFull = 0.8;

std::int64_t number_at(const json::object& object, const char* group, const char* key) {
  const json::value* part = object.if_contains(group);
  const json::value* value =
      part != nullptr && part->is_object() ? part->get_object().if_contains(key) : nullptr;
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

Finding look_at(nats::Connection& hub, const std::string& shard) {
  const std::string name = core::hub_stream_name(shard);
  const auto info = nats::api_request(hub, "$JS.API.STREAM.INFO." + name, "", kTimeout);
  if (!info && info.error().code == Errc::kNotFound)
    return failed(name + " does not exist", "sluice provision --shard " + shard);
  if (!info)
    return failed(name + ": " + info.error().message,
                  "Is asking for it allowed? docs/hub-api.md has the exact rights.");
  nats::HubStreamWish wish;
  wish.shard = shard;
  const auto plan = nats::plan_events(wish);
  const json::value* config = info->if_contains("config");
  if (!plan || config == nullptr || !config->is_object())
    return failed(name + ": the server's answer holds no settings", "Look at the server's log.");
  std::string differences;
  for (const nats::Disagreement& one : nats::disagreements(*plan, config->get_object()))
    if (one.name != "num_replicas")
      differences += (differences.empty() ? "" : ", ") + one.name + " is " + json_text(one.found);
  const auto messages = static_cast<std::uint64_t>(number_at(*info, "state", "messages"));
  const auto bytes = static_cast<double>(number_at(*info, "state", "bytes"));
  const auto room = static_cast<double>(number_at(*info, "config", "max_bytes"));
  std::string words = name + " holds " + with_thousands(messages) + " messages, " +
                      core::human_bytes(static_cast<std::uint64_t>(bytes));
  if (!differences.empty())
    return failed(words + ", but " + differences,
                  "sluice provision --check --shard " + shard + " says what it should be.");
  if (const std::int64_t first = number_at(*info, "state", "first_seq"); first > 1)
    words += ", from " + with_thousands(static_cast<std::uint64_t>(first)) +
             " on (a new model needs history = \"available\")";
  if (room > 0 && bytes > kNearlyFull * room)
    return warn(words + " of " + core::human_bytes(static_cast<std::uint64_t>(room)),
                "When it is full it refuses, and gateways keep their events: raise max_bytes, or "
                "give it a max_age.");
  return found(words);
}

// Makes a consumer as every model does, and lets it go.
Finding can_consume(nats::Connection& hub, const std::string& hub_stream) {
  nats::PullOptions options;
  options.hub_stream = hub_stream;
  options.create_timeout = kTimeout;
  const auto consumer = nats::PullConsumer::create(hub, options);
  if (consumer) return found("may read " + hub_stream);
  if (const std::string words = last_complaint(); !words.empty())
    return failed("may not read " + hub_stream + ": " + words,
                  "docs/hub-api.md has the exact rights of sluice-hub.");
  return failed("cannot read " + hub_stream + ": " + consumer.error().message,
                "docs/hub-api.md has the exact rights of sluice-hub.");
}

// The server's refusal comes before its answer to the flush, but nats.c tells of it on a thread of
// its own.
std::string awaited_complaint() {
  std::string words = last_complaint();
  for (int i = 0; i < 20 && words.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    words = last_complaint();
  }
  return words;
}

}  // namespace

Findings check_hub_streams(Centre& centre) {
  if (centre.nats() == nullptr) return {skipped("not logged in")};
  Findings out;
  for (const std::string& shard : centre.settings->shards)
    out.push_back(look_at(*centre.nats(), shard));
  return out;
}

Findings check_hub_rights(Centre& centre) {
  nats::Connection* hub = centre.nats();
  if (hub == nullptr) return {skipped("not logged in")};
  Findings out;
  forget_complaints();
  for (const std::string& shard : centre.settings->shards)
    out.push_back(can_consume(*hub, core::hub_stream_name(shard)));
  forget_complaints();
  out.push_back(can_consume(*hub, "KV_" + std::string(core::kReportBucket)));
  // No gateway has this name: an upper-case letter is in none.
  forget_complaints();
  const auto asked = hub->publish("need.DOCTOR", "");
  const auto flushed = hub->flush(kTimeout);
  if (const std::string words = awaited_complaint(); !words.empty() || !asked || !flushed)
    out.push_back(failed("may not ask gateways for what is missing: " +
                             (words.empty() ? std::string("no answer") : words),
                         "Allow it to publish on need.*: docs/hub-api.md has the exact rights."));
  else
    out.push_back(found("may ask gateways for what is missing"));
  return out;
}

}  // namespace sluice::cli
