// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"
#include "cli/output.hpp"
#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_plan.hpp"
#include "sync/nats/hub_stream_query.hpp"

// The checks of the way to the hub, with the gateway's own login and rights and no more.
namespace sluice::cli {
namespace {

using core::Errc;
namespace json = core::json;

constexpr std::chrono::milliseconds kTimeout{5'000};

// A name that no hub stream has: JetStream refuses the message for it, and so stores nothing, after
// it has let it in. That proves the right to publish.
constexpr const char* kNoSuchStream = "SLUICE-DOCTOR-STORES-NOTHING";
constexpr std::int64_t kStreamNotMatch = 10060;

Finding publish_probe(Patient& patient, const std::string& subject, const std::string& what) {
  forget_complaints();
  const auto answer =
      patient.hub()->request(subject, "", kTimeout, {{"Nats-Expected-Stream", kNoSuchStream}});
  if (!answer) {
    if (const std::string words = last_complaint(); !words.empty())
      return failed("not allowed to publish on " + subject + ": " + words,
                    "Grant the gateway's user that right: docs/security.md has the exact list.");
    if (answer.error().code == Errc::kNotFound)
      return failed("nobody takes messages on " + subject,
                    "Make the hub stream: sluice provision (by whoever runs the hub).");
    return failed("no answer on " + subject + ": " + answer.error().message,
                  "Is publishing on it allowed, and receiving on _INBOX_<gateway>.>? "
                  "docs/security.md has the exact list.");
  }
  const auto document = core::parse_json(answer->payload());
  const json::object* object = document ? document->if_object() : nullptr;
  const json::value* error = object != nullptr ? object->if_contains("error") : nullptr;
  const json::value* code = error != nullptr && error->is_object()
                                ? error->get_object().if_contains("err_code")
                                : nullptr;
  if (code != nullptr && code->is_int64() && code->get_int64() == kStreamNotMatch)
    return found("allowed to publish " + what + " (nothing was stored)");
  return failed("an unexpected answer to a trial message: " + core::printable(answer->payload()),
                "Look at the server's log.");
}

std::string anchor_words(const storage::Anchor& anchor) {
  return "seq " + with_thousands(anchor.acked) + " is at " + anchor.hub_stream + " " +
         with_thousands(anchor.hub_seq);
}

}  // namespace

Finding check_hub_stream(Patient& patient) {
  if (patient.hub() == nullptr) return skipped("not logged in");
  const std::string name = core::hub_stream_name(patient.uplink->shard);
  const auto info = nats::api_request(*patient.hub(), "$JS.API.STREAM.INFO." + name, "", kTimeout);
  if (!info) {
    if (info.error().code == Errc::kNotFound)
      return failed(name + " does not exist", "sluice provision --shard " + patient.uplink->shard +
                                                  " (by whoever runs the hub)");
    return failed(name + ": " + info.error().message,
                  "Is asking for it allowed? docs/security.md has the exact list.");
  }
  const json::value* config = info->if_contains("config");
  nats::HubStreamWish wish;
  wish.shard = patient.uplink->shard;
  const auto plan = nats::plan_events(wish);
  if (!plan || config == nullptr || !config->is_object())
    return failed(name + ": the server's answer holds no settings", "Look at the server's log.");
  std::string differences;
  for (const nats::Disagreement& one : nats::disagreements(*plan, config->get_object()))
    if (one.name != "num_replicas")
      differences += (differences.empty() ? "" : ", ") + one.name + " is " + json_text(one.found);
  const json::value* state = info->if_contains("state");
  const json::value* messages = state != nullptr && state->is_object()
                                    ? state->get_object().if_contains("messages")
                                    : nullptr;
  const std::string words =
      name + (messages != nullptr && messages->is_int64()
                  ? " holds " + with_thousands(static_cast<std::uint64_t>(messages->get_int64())) +
                        " events"
                  : "");
  if (!differences.empty())
    return failed(words + ", but " + differences,
                  "sluice provision --check says what it should be.");
  return found(words);
}

Finding check_publish_right(Patient& patient) {
  if (patient.hub() == nullptr) return skipped("not logged in");
  const core::EventSubject subject{patient.uplink->shard, patient.uplink->id, core::Lane::kSystem,
                                   std::string(core::kReservedCategory), "Probe"};
  return publish_probe(patient, subject.text(), "events");
}

Finding check_report(Patient& patient) {
  if (patient.hub() == nullptr) return skipped("not logged in");
  const std::string key = core::report_subject(patient.uplink->id);
  Finding right = publish_probe(patient, key, "reports");
  if (right.state != Finding::State::kOk) return right;
  const auto entry = patient.hub()->request(
      "$JS.API.DIRECT.GET.KV_" + std::string(core::kReportBucket) + "." + key, "", kTimeout);
  if (!entry)
    return warn("the last report cannot be read: " + entry.error().message,
                "Without that right a clone of this gateway is not noticed: docs/security.md");
  if (entry->status() == 404) return found(right.words + "; none was written yet");
  const auto report = codec::decode_report(entry->payload());
  if (!report) return warn("the last report is not readable: " + report.error().message, "");
  std::string words = "the last one came from " + report->machine + " at " +
                      core::format_time(report->wall_ns / 1'000'000'000 * 1'000'000'000);
  if (report->stopped_as_clone)
    return failed(
        words + ", which stopped as a clone",
        "Two machines have this gateway's id: sluice-uplink --takeover on the right one.");
  if (!report->last_error.empty()) words += ", last error: " + report->last_error;
  return found(words);
}

Finding check_anchors(Patient& patient) {
  if (patient.hub() == nullptr) return skipped("not logged in");
  if (!patient.log) return skipped("no log yet");
  std::string words;
  std::string lost;
  for (const core::Lane lane : core::kLanes) {
    const auto anchors = patient.log->anchors(lane);
    if (!anchors || anchors->empty()) continue;
    const storage::Anchor& newest = anchors->back();
    const auto got = patient.hub()->request(
        "$JS.API.DIRECT.GET." + newest.hub_stream + "." + newest.subject, "", kTimeout);
    const std::string name(core::lane_name(lane));
    if (!got) {
      lost += (lost.empty() ? "" : "; ") + name + ": " + got.error().message;
      continue;
    }
    const auto sequence = got->header("Nats-Sequence");
    if (got->status() == 404 || !sequence ||
        std::strtoull(sequence->c_str(), nullptr, 10) < newest.hub_seq)
      lost += (lost.empty() ? "" : "; ") + name + ": the hub does not have what it acknowledged (" +
              anchor_words(newest) + ")";
    else
      words += (words.empty() ? "" : "; ") + name + ": " + anchor_words(newest);
  }
  if (!lost.empty())
    return warn(lost,
                "The hub was cut back, or its events have aged out. The uplink sends again "
                "what the log retains, when it connects.");
  return found(words.empty() ? "the hub has acknowledged nothing yet" : words);
}

}  // namespace sluice::cli
