// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/provision.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_query.hpp"

namespace sluice::nats {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

Result<void> check_max_payload(const Connection& connection) {
  constexpr std::size_t kNeeded = core::limits::kEventBytes + core::limits::kBodyOverheadBytes;
  const std::size_t max_payload = connection.server_info().max_payload;
  if (max_payload >= kNeeded) return {};
  return fail(Errc::kLimit,
              "the server takes messages of at most " + core::human_bytes(max_payload) +
                  ", the largest event needs " + core::human_bytes(kNeeded) +
                  ": set max_payload: " + std::to_string(kNeeded) +
                  " or more in the server's configuration",
              "max_payload");
}

// Asks, and fills in what the server has.
Result<void> look(Connection& connection, ProvisionedStream& stream,
                  std::chrono::milliseconds timeout) {
  const auto info =
      api_request(connection, "$JS.API.STREAM.INFO." + stream.plan.stream, "", timeout);
  if (!info) {
    if (info.error().code == Errc::kNotFound) return {};
    return info.error();
  }
  const json::value* config = info->if_contains("config");
  if (config == nullptr || !config->is_object())
    return fail(Errc::kCorrupt, "the server's answer to STREAM.INFO holds no config");
  stream.config = config->get_object();
  if (const json::value* created = info->if_contains("created"); created && created->is_string())
    stream.created = created->get_string();
  stream.differences = disagreements(stream.plan, stream.config);
  stream.state = stream.differences.empty() ? ProvisionedStream::State::kAgrees
                                            : ProvisionedStream::State::kDisagrees;
  return {};
}

Result<void> create(Connection& connection, ProvisionedStream& stream,
                    std::chrono::milliseconds timeout) {
  const auto made = api_request(connection, "$JS.API.STREAM.CREATE." + stream.plan.stream,
                                core::to_json(stream.plan.create_request()), timeout);
  if (!made)
    return fail(made.error().code,
                stream.plan.stream + " was not created: " + made.error().message);
  SLUICE_TRY(look(connection, stream, timeout));
  if (stream.state == ProvisionedStream::State::kAgrees)
    stream.state = ProvisionedStream::State::kCreated;
  return {};
}

}  // namespace

bool Provisioned::agrees() const {
  return std::all_of(streams.begin(), streams.end(), [](const ProvisionedStream& stream) {
    return stream.state == ProvisionedStream::State::kCreated ||
           stream.state == ProvisionedStream::State::kAgrees;
  });
}

Result<Provisioned> provision(Connection& connection, const ProvisionRun& run) {
  auto events = plan_events(run.wish);
  if (!events) return events.error();
  SLUICE_TRY(check_max_payload(connection));
  Provisioned all{connection.server_info().max_payload, {}};
  all.streams.push_back({.plan = std::move(*events)});
  all.streams.push_back({.plan = plan_reports(run.wish.replicas)});
  if (run.wish.workers) all.streams.push_back({.plan = plan_leases(run.wish.replicas)});
  for (ProvisionedStream& stream : all.streams) SLUICE_TRY(look(connection, stream, run.timeout));
  if (run.check_only) return all;

  // Nothing is made unless all that exists agrees: half a set-up is harder to see through.
  const auto disagrees = [](const ProvisionedStream& stream) {
    return stream.state == ProvisionedStream::State::kDisagrees;
  };
  if (std::any_of(all.streams.begin(), all.streams.end(), disagrees)) return all;
  for (ProvisionedStream& stream : all.streams) {
    if (stream.state != ProvisionedStream::State::kMissing) continue;
    if (const auto open = stream.plan.undecided(); !open.empty())
      return fail(Errc::kBadRequest,
                  stream.plan.stream + " does not exist; to make it choose --max-bytes, and " +
                      "--max-age or --keep-forever",
                  open.front());
    SLUICE_TRY(create(connection, stream, run.timeout));
  }
  return all;
}

}  // namespace sluice::nats
