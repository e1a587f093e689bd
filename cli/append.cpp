// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>

#include "cli/append_jsonl.hpp"
#include "cli/gateway.hpp"
#include "cli/outgoing_event.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr const char* kDescription =
    "Hands events to the gateway and waits until they are on its disk: an answer means that the "
    "event survives a power cut, whether the hub can be reached or not. A lane can be set to "
    "another meaning ([log.<lane>] ack): hub, the hub has it as well; memory, it was only taken, "
    "which the answer says. A lane that waits for the hub answers unavailable (exit code 6) while "
    "the hub is away: the event is stored, and the same --id may be sent again.\n"
    "\n"
    "STREAM names what the event is about, as category/entity (pump/7). TYPE says what happened, "
    "in the past tense. JSON is the event's data, any JSON value; integers of up to 64 bits and "
    "floats keep every bit, and bytes are written {\"$bytes\": \"<base64>\"}.\n"
    "\n"
    "With --jsonl each line is one event, an object with stream, type and data, and optionally id, "
    "occurred_at and expect. Lines are sent in order with many in flight, and each gets an answer; "
    "one that is refused is reported with its line number and does not stop the others. If the "
    "gateway restarts meanwhile, what has no answer is sent again: a line without an id is given "
    "one first, so that this doubles nothing. A summary ends the run, and the exit code is that of "
    "the worst answer.\n"
    "\n"
    "The same id with the same content is appended once: the answer repeats the first position "
    "with duplicate = true. The same id with other content is refused (exit code 4).";

constexpr const char* kExamples =
    " $ sluice append pump/7 PressureSampled '{\"bar\": 4.2}'\n"
    " pump/7 version 12: plant-7, lane telemetry, seq 4711\n"
    "   id 0190f3a2-6c1e-7b60-a3f0-5f0a6d1c2b3e\n"
    "   token plant-7:e19b447f870d0239:telemetry:4711\n"
    "\n"
    "Then look at a read model that has it:\n"
    " $ sluice query pumps latest --after plant-7:e19b447f870d0239:telemetry:4711\n"
    "\n"
    "Only if nobody changed the stream since version 12:\n"
    " $ sluice append pump/7 SetpointChanged '{\"bar\": 5}' --expect 12\n"
    "\n"
    "A retry that cannot double the event:\n"
    " $ sluice append door/3 Opened '{}' --id 0190f3a2-6c1e-7b60-a3f0-5f0a6d1c2b3e\n"
    "\n"
    "Anything that writes lines:\n"
    " $ examples/host-telemetry.sh | sluice append --jsonl -\n"
    " $ echo '{\"stream\":\"pump/7\",\"type\":\"Stopped\",\"data\":{}}' | sluice append --jsonl "
    "-\n";

struct Options {
  std::string stream, type, json;
  std::string id, expect, occurred_at;
  std::string jsonl;
  std::string retry_for = "2min";
  bool quiet = false;
};

ExitCode refuse(Output& output, const core::Error& error) {
  output.problem(error, "append");
  return exit_code(error.code);
}

Result<OutgoingEvent> event_from_options(const Options& given) {
  OutgoingEvent event{.stream = given.stream, .type = given.type, .expect = given.expect};
  auto data = codec::json_to_data(given.json);
  if (!data) return fail(data.error().code, "JSON: " + data.error().message, "data");
  event.data = std::move(*data);
  if (!given.expect.empty()) SLUICE_TRY(check_expect(given.expect));
  if (!given.id.empty()) {
    const auto id = core::Uuid::parse(given.id);
    if (!id) return fail(Errc::kBadRequest, id.error().message, "--id");
    event.id = *id;
  }
  if (!given.occurred_at.empty()) {
    SLUICE_TRY(core::parse_time(given.occurred_at));
    event.occurred_at = given.occurred_at;
  }
  return event;
}

ExitCode append_one(Program& program, const Options& given) {
  Output& output = program.output;
  const auto event = event_from_options(given);
  if (!event) return refuse(output, event.error());
  auto client = connect_gateway(program.gateway);
  if (!client) return refuse(output, client.error());
  const auto answer = client->call("append", event->append_params());
  if (!answer) return refuse(output, answer.error());
  const auto at = position_of(*answer);
  if (!at) return refuse(output, at.error());
  if (output.json()) {
    output.document(at->to_json());
  } else {
    const std::string where =
        at->placed() ? at->stream + " version " + std::to_string(at->version) + ": " + at->gateway +
                           ", lane " + at->lane + ", seq " + std::to_string(at->seq) +
                           (at->duplicate ? " (was there before)" : "") +
                           (at->ack == "hub" ? ", confirmed by the hub" : "")
                     : at->stream + ": " + at->gateway + ", lane " + at->lane +
                           ", IN MEMORY ONLY (a power cut now loses it)";
    output.line(where);
    output.line("  id " + at->id);
    if (at->placed()) output.line("  token " + at->token());
  }
  return ExitCode::kOk;
}

ExitCode run_append(Program& program, const Options& given) {
  const bool one = !given.stream.empty() || !given.type.empty() || !given.json.empty();
  const bool shape_of_one =
      !given.id.empty() || !given.expect.empty() || !given.occurred_at.empty();
  if (given.jsonl.empty()) {
    if (given.json.empty())
      return refuse(program.output,
                    fail(Errc::kBadRequest, "give STREAM, TYPE and JSON, or --jsonl FILE"));
    return append_one(program, given);
  }
  if (one || shape_of_one)
    return refuse(program.output,
                  fail(Errc::kBadRequest, "with --jsonl everything about an event is in its line"));
  const auto patience = parse_duration(given.retry_for, "--retry-for");
  if (!patience) return refuse(program.output, patience.error());
  return append_jsonl(program.output, program.gateway,
                      {.file = given.jsonl, .patience = *patience, .quiet = given.quiet});
}

}  // namespace

void add_append(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("append", "hand events to the gateway",
                                {"sluice append STREAM TYPE JSON [options]\n"
                                 "sluice append --jsonl FILE|- [options]",
                                 kDescription, kExamples});
  verb.add_option("STREAM", given->stream, "The stream, category/entity.");
  verb.add_option("TYPE", given->type, "The event's type.");
  verb.add_option("JSON", given->json, "The event's data.");
  verb.add_option("--id", given->id, "The event's id; the gateway draws one if there is none.")
      ->type_name("UUID");
  verb.add_option("--expect", given->expect,
                  "What the stream must be like: any; none (it is new); exists; or its version.")
      ->type_name("any|none|exists|N");
  verb.add_option("--occurred-at", given->occurred_at,
                  "When it happened, by the device's clock (RFC 3339).")
      ->type_name("TIME");
  verb.add_option("--jsonl", given->jsonl,
                  "Events from a file, one JSON object per line; - is "
                  "standard input.")
      ->type_name("FILE|-");
  verb.add_option("--retry-for", given->retry_for,
                  "With --jsonl: how long a gateway that went away is waited for.")
      ->type_name("D")
      ->capture_default_str();
  verb.add_flag("--quiet", given->quiet,
                "With --jsonl: only failures and the summary, no answer per line.");
  program.on_run(verb, [&program, given] { return run_append(program, *given); });
}

}  // namespace sluice::cli
