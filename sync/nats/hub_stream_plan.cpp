// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/hub_stream_plan.hpp"

#include <algorithm>

#include "core/ids.hpp"
#include "core/limits.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"

namespace sluice::nats {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr std::int64_t kDuplicateWindowNs = 120'000'000'000;
constexpr std::int64_t kReportBytesMax = 64 << 20;  // a report is 0.6 KiB there: 100,000 gateways
constexpr std::int64_t kLeaseBytesMax = 8 << 20;
constexpr std::int64_t kSmallestStreamBytes = 1 << 20;
constexpr std::int64_t kSmallestAgeNs = 100'000'000;  // of the server's duplicate window

// Fields whose mere presence says that this is no plain store of what gateways send.
struct Foreign {
  const char* name;
  const char* why;
};
constexpr Foreign kForeign[] = {
    {"mirror", "a mirror takes nothing from gateways"},
    {"sources", "events would come from another stream too"},
    {"subject_transform", "events would be stored under other subjects"},
    {"sealed", "a sealed stream takes nothing"},
    {"no_ack", "gateways would wait for acks for ever"},
    {"allow_rollup_hdrs", "one publish with a rollup header could remove the events before it"},
    {"discard_new_per_subject", "events of a full subject would be refused"},
};

bool is_set(const json::value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.get_bool();
  if (value.is_array()) return !value.get_array().empty();
  if (value.is_object()) return !value.get_object().empty();
  return true;
}

// Servers leave out what is false, zero or empty.
bool same(const json::value& wanted, const json::value* found) {
  if (found == nullptr) return !is_set(wanted) || (wanted.is_int64() && wanted.get_int64() == 0);
  if (wanted.is_int64()) {
    if (found->is_int64()) return wanted.get_int64() == found->get_int64();
    return found->is_uint64() &&
           std::to_string(found->get_uint64()) == std::to_string(wanted.get_int64());
  }
  return wanted == *found;
}

std::vector<StreamSetting> common_settings(int replicas) {
  return {
      {"retention", "limits", "kept until a limit takes it, whoever has read it"},
      {"storage", "file", "on the server's disk"},
      {"discard", "new",
       "when full, refuses new messages, which stay in the gateways, and loses no old one"},
      {"num_replicas", replicas, "servers of the cluster that hold a copy"},
      {"max_consumers", -1, "no limit"},
      {"max_msgs", -1, "no limit; bytes and age are the limits"},
      {"max_msg_size", -1, "the server's max_payload is the limit"},
      {"allow_direct", true, "gateways ask by Direct Get what the hub has"},
  };
}

}  // namespace

json::object StreamPlan::create_request() const {
  json::object request{{"name", stream}};
  for (const StreamSetting& setting : settings) request[setting.name] = setting.value;
  return request;
}

std::vector<std::string> StreamPlan::undecided() const {
  std::vector<std::string> names;
  for (const StreamSetting& setting : settings)
    if (!setting.chosen) names.push_back(setting.name);
  return names;
}

Result<StreamPlan> plan_events(const HubStreamWish& wish) {
  if (!core::is_shard_name(wish.shard))
    return fail(Errc::kBadRequest,
                "'" + core::printable(wish.shard) + "' is not 1 to 32 of a-z, 0-9 and -",
                "--shard");
  if (wish.replicas < 1 || wish.replicas > 5)
    return fail(Errc::kBadRequest, "a hub stream has 1 to 5 replicas", "--replicas");
  const auto max_bytes = static_cast<std::int64_t>(wish.max_bytes.value_or(0));
  if (wish.max_bytes && max_bytes < kSmallestStreamBytes)
    return fail(Errc::kBadRequest, "a hub stream has room for 1 MiB at least", "--max-bytes");
  const std::int64_t max_age = wish.max_age.value_or(std::chrono::nanoseconds(0)).count();
  if (wish.max_age && max_age != 0 && max_age < kSmallestAgeNs)
    return fail(Errc::kBadRequest, "a hub stream keeps events for 100 ms at least", "--max-age");

  StreamPlan plan{core::hub_stream_name(wish.shard), "events of shard " + wish.shard, {}};
  plan.settings = {
      {"subjects", json::array{core::hub_stream_subjects(wish.shard)}, "all that gateways publish"},
      {"max_bytes", max_bytes, "its share of the server's disk", wish.max_bytes.has_value()},
      {"max_age", max_age, "older events are removed; 0 keeps them for ever",
       wish.max_age.has_value()},
  };
  for (StreamSetting& setting : common_settings(wish.replicas)) plan.settings.push_back(setting);
  plan.settings.push_back({"max_msgs_per_subject", -1, "no limit"});
  // The server wants no window longer than the age.
  plan.settings.push_back(
      {"duplicate_window",
       max_age == 0 ? kDuplicateWindowNs : std::min(max_age, kDuplicateWindowNs),
       "hides fast retries only; what counts is the read model's gate", wish.max_age.has_value()});
  const char* deny = wish.immutable ? "for good: the server never lets this be undone"
                                    : "an operator may still remove messages";
  // Not asked for is not forbidden: a stream that denies more than was asked for is right too.
  plan.settings.push_back({"deny_delete", wish.immutable, deny, true, wish.immutable});
  plan.settings.push_back({"deny_purge", wish.immutable, deny, true, wish.immutable});
  return plan;
}

StreamPlan plan_reports(int replicas) {
  StreamPlan plan{"KV_" + std::string(core::kReportBucket),
                  "bucket " + std::string(core::kReportBucket) + ": each gateway's last report",
                  {}};
  plan.settings = {
      {"subjects", json::array{core::report_subject(">")}, "one key for each gateway"},
      {"max_bytes", kReportBytesMax, "room for 100,000 gateways", true, false},
      {"max_age", 0, "a report stays until the next one"},
      {"max_msgs_per_subject", 1, "only the last report counts"},
      {"duplicate_window", kDuplicateWindowNs, "the server's own default"},
      {"allow_rollup_hdrs", true, "as in every bucket: lets a key be purged"},
  };
  for (StreamSetting& setting : common_settings(replicas)) {
    setting.compared = setting.name != "num_replicas";  // shards with others share the bucket
    plan.settings.push_back(setting);
  }
  return plan;
}

StreamPlan plan_leases(int replicas) {
  StreamPlan plan{"KV_" + std::string(core::kLeaseBucket),
                  "bucket " + std::string(core::kLeaseBucket) + ": which worker reads which shard",
                  {}};
  plan.settings = {
      {"subjects", json::array{"$KV." + std::string(core::kLeaseBucket) + ".>"},
       "one key for each worker and each shard"},
      {"max_bytes", kLeaseBytesMax, "room for 10,000 shards", true, false},
      {"max_age", 0, "a lease ends by its own time, counted by each reader"},
      {"max_msgs_per_subject", 1, "only the last beat counts"},
      {"duplicate_window", kDuplicateWindowNs, "the server's own default"},
      {"allow_rollup_hdrs", true, "as in every bucket: lets a key be purged"},
  };
  for (StreamSetting& setting : common_settings(replicas)) {
    setting.compared = setting.name != "num_replicas";
    plan.settings.push_back(setting);
  }
  return plan;
}

std::vector<Disagreement> disagreements(const StreamPlan& plan, const json::object& config) {
  std::vector<Disagreement> found;
  const auto planned = [&](std::string_view name) {
    return std::any_of(plan.settings.begin(), plan.settings.end(),
                       [&](const StreamSetting& setting) { return setting.name == name; });
  };
  for (const StreamSetting& setting : plan.settings) {
    if (!setting.chosen || !setting.compared) continue;
    const json::value* value = config.if_contains(setting.name);
    if (!same(setting.value, value))
      found.push_back(
          {setting.name, setting.value, value != nullptr ? *value : json::value(), setting.why});
  }
  for (const Foreign& foreign : kForeign) {
    const json::value* value = config.if_contains(foreign.name);
    if (value != nullptr && is_set(*value) && !planned(foreign.name))
      found.push_back({foreign.name, json::value(), *value, foreign.why});
  }
  const json::value* persist = config.if_contains("persist_mode");
  if (persist != nullptr && persist->is_string() && persist->get_string() == "async")
    found.push_back({"persist_mode", "default", *persist, "acks would come before the write"});
  return found;
}

}  // namespace sluice::nats
