// SPDX-License-Identifier: Apache-2.0
#include "hub/lease/lease_value.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/subject.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;

namespace {
constexpr std::int64_t kMinuteNs = 60'000'000'000;
constexpr std::int64_t kMinutes2020 = 26'297'280;  // 2020-01-01 in minutes since 1970
constexpr unsigned kRevisionBits = 37;
constexpr std::int64_t kTtlMsMax = 3'600'000;
}  // namespace

std::string lease_text(const LeaseValue& value) {
  return core::to_json(core::json::object{{"worker", value.worker},
                                          {"session", value.session},
                                          {"beat", value.beat},
                                          {"ttl_ms", value.ttl.count()},
                                          {"token", value.token}});
}

Result<LeaseValue> parse_lease(std::string_view text) {
  const auto parsed = core::parse_json(text);
  const auto bad = [] { return fail(Errc::kCorrupt, "no lease of sluice-hub"); };
  if (!parsed || !parsed->is_object()) return bad();
  const core::json::object& object = parsed->as_object();
  const auto* worker = object.if_contains("worker");
  const auto* session = object.if_contains("session");
  const auto* beat = object.if_contains("beat");
  const auto* ttl = object.if_contains("ttl_ms");
  const auto* token = object.if_contains("token");
  if (worker == nullptr || !worker->is_string() || session == nullptr || !session->is_string() ||
      beat == nullptr || !beat->is_int64() || beat->as_int64() < 0 || ttl == nullptr ||
      !ttl->is_int64() || ttl->as_int64() < 0 || ttl->as_int64() > kTtlMsMax ||
      (token != nullptr && (!token->is_int64() || token->as_int64() < 0)))
    return bad();
  return LeaseValue{std::string(worker->as_string()), std::string(session->as_string()),
                    static_cast<std::uint64_t>(beat->as_int64()),
                    std::chrono::milliseconds(ttl->as_int64()),
                    token == nullptr ? 0 : static_cast<std::uint64_t>(token->as_int64())};
}

std::string shard_lease_subject(std::string_view hub, std::string_view shard) {
  return "$KV." + std::string(core::kLeaseBucket) + "." + std::string(hub) + ".shard." +
         std::string(shard);
}

std::string worker_subject(std::string_view hub, std::string_view worker) {
  return "$KV." + std::string(core::kLeaseBucket) + "." + std::string(hub) + ".worker." +
         std::string(worker);
}

std::uint64_t fencing_token(std::int64_t bucket_created_ns, std::uint64_t revision) {
  const std::int64_t minutes =
      std::max<std::int64_t>(0, bucket_created_ns / kMinuteNs - kMinutes2020);
  constexpr std::uint64_t kRevisionMax = (std::uint64_t{1} << kRevisionBits) - 1;
  return (static_cast<std::uint64_t>(minutes) << kRevisionBits) | std::min(revision, kRevisionMax);
}

std::uint64_t next_token(std::int64_t bucket_created_ns, std::uint64_t revision,
                         const std::optional<LeaseValue>& before) {
  return std::max(fencing_token(bucket_created_ns, revision + 1), before ? before->token + 1 : 0);
}

}  // namespace sluice::hub
