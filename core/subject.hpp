// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "core/result.hpp"

// The names at the hub. Subjects carry what permissions and retention need, and nothing whose
// number grows with entities: each distinct subject costs the hub about 250 bytes of RAM for ever.
namespace sluice::core {

// `ev.<shard>.<gateway>.<lane>.<category>.<type>`, category and type percent-escaped.
struct EventSubject {
  std::string shard;
  std::string gateway;
  Lane lane = Lane::kTelemetry;
  std::string category;
  std::string type;
  std::string text() const;
  static Result<EventSubject> parse(std::string_view subject);
};

// One token: every byte but A-Z a-z 0-9 - _ becomes %XX (upper-case hex).
std::string escape_token(std::string_view text);
Result<std::string> unescape_token(std::string_view token);

std::string hub_stream_name(std::string_view shard);         // "EVENTS-<shard>"
std::string hub_stream_subjects(std::string_view shard);     // "ev.<shard>.>"
std::string gateway_inbox_prefix(std::string_view gateway);  // "_INBOX_<gateway>"
std::string need_subject(std::string_view gateway);          // "need.<gateway>"
// Current values, stored nowhere: "live.<gateway>.<category>", the category escaped.
std::string live_subject(std::string_view gateway, std::string_view category);
// What is to be added to an event's recorded wall time, in ns (docs/event-format.md).
inline constexpr std::string_view kClockHeader = "Sluice-Clock";
inline constexpr std::string_view kLeaseBucket = "SLUICE-LEASES";
inline constexpr std::string_view kReportBucket = "SLUICE-REPORTS";
// On a message that a bundle brought while the gateway ran another log (docs/event-format.md).
inline constexpr std::string_view kLateHeader = "Sluice-Late";
std::string report_subject(std::string_view gateway);  // "$KV.SLUICE-REPORTS.<gateway>"

}  // namespace sluice::core
