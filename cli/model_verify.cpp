// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <thread>

#include "cli/hub.hpp"
#include "cli/json_field.hpp"
#include "cli/model.hpp"
#include "cli/units.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kDescription =
    "Asks sluice-hub to build a read model anew from the hub streams, up to exactly where its own "
    "stands, and to compare all rows. The hub does it beside its other work, on a thread with "
    "little claim to the processor; this waits for the end. --sample K compares about K rows and "
    "applies only the events that touch them.\n"
    "\n"
    "Each row that differs is printed with what the events say (expected) and what the model has "
    "(found), and the first event whose effect the row does not show. It ends with 0 if all rows "
    "are what the events make of them, else with 1. A model that differs is put right by `sluice "
    "model rebuild`.";

constexpr const char* kExamples =
    " $ sluice model verify machine-temperature\n"
    " 40,211 rows compared, 1 differs\n"
    " changed machine gateway=plant-7 machine=press\n"
    "   readings: expected 940, found 939\n"
    "   the row stood like this until this event: plant-7.0f3a52c1d9e87b64.telemetry.20517\n"
    "   (Reading of machine/press, 2026-11-21T09:12:44Z, message 20519)\n";

struct Options {
  std::string model;
  std::uint64_t sample = 0;
  bool last = false;
};

constexpr std::chrono::milliseconds kPoll{500};

std::string cell_text(const json::value& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? std::string(value.get_string()) : json_text(value);
}

void print_finding(Output& output, const json::object& finding) {
  std::string line = text_at(finding, "kind");
  line += " " + text_at(finding, "table");
  for (const auto& [name, value] : finding.at("key").get_object())
    line += " " + std::string(name) + "=" + cell_text(value);
  output.line(line);
  for (const json::value& cell : finding.at("columns").get_array()) {
    const json::object& one = cell.get_object();
    output.line("  " + text_at(one, "column") + ": expected " + cell_text(one.at("expected")) +
                ", found " + cell_text(one.at("found")));
  }
  const json::value& event = finding.at("first_event");
  if (!event.is_object()) {
    output.line("  " + text_at(finding, "words"));
    return;
  }
  const json::object& one = event.get_object();
  output.line("  " + text_at(finding, "words") + ": " + text_at(one, "identity") + " (" +
              text_at(one, "type") + " of " + text_at(one, "stream") + ", " + text_at(one, "at") +
              ", message " + std::to_string(number_at(one, "position")) + ")");
}

void print_report(Output& output, const json::object& told) {
  const json::value* report = told.if_contains("report");
  if (report == nullptr || !report->is_object()) return;
  const json::object& one = report->get_object();
  const std::uint64_t differences = number_at(one, "differences");
  output.line(with_thousands(number_at(one, "rows")) + " rows compared, " +
              (differences == 0   ? std::string("none differs")
               : differences == 1 ? std::string("1 differs")
                                  : with_thousands(differences) + " differ") +
              "; " + text_at(told, "at"));
  for (const json::value& finding : one.at("findings").get_array())
    if (finding.is_object()) print_finding(output, finding.get_object());
  if (const std::uint64_t listed = one.at("findings").get_array().size(); listed < differences)
    output.line("and " + with_thousands(differences - listed) + " more rows");
  for (const json::value& words : one.at("unverifiable").get_array())
    output.line("not verified: " + cell_text(words));
}

Result<json::object> object_of(Result<json::value> answer) {
  if (!answer) return answer.error();
  if (!answer->is_object())
    return fail(Errc::kCorrupt, "the hub's answer to a verification has another form");
  return std::move(answer->get_object());
}

Result<json::object> ask(Program& program, const Options& given) {
  const Hub hub(program.hub);
  const std::string target = "/v1/verify/" + http::percent_encode(given.model);
  if (given.last) return object_of(hub.get(target));
  json::object request;
  if (given.sample != 0) request["sample"] = given.sample;
  auto told = object_of(hub.post(target, request));
  if (!told) return told;
  Progress progress(program.output, "verify", "messages", 0);
  for (;;) {
    const std::string state = text_at(*told, "state");
    if (state != "waiting" && state != "running") return told;
    progress.advance_to(number_at(*told, "messages"));
    std::this_thread::sleep_for(kPoll);
    told = object_of(hub.get(target));
    if (!told) return told;
  }
}

ExitCode verify(Program& program, const Options& given) {
  const auto told = ask(program, given);
  if (!told) return refuse_model(program, told.error(), "model verify");
  const std::string state = text_at(*told, "state");
  if (state == "failed") {
    program.output.problem(fail(Errc::kUnavailable, text_at(*told, "error")), "model verify");
    return exit_code(Errc::kUnavailable);
  }
  if (program.output.json())
    program.output.document(*told);
  else if (state == "never")
    program.output.line("This model was not verified since the hub was started.");
  else
    print_report(program.output, *told);
  return state == "differs" || state == "unknown" ? ExitCode::kOther : ExitCode::kOk;
}

}  // namespace

void add_model_verify(Program& program, CLI::App& model) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("verify", "compare a read model with its events",
                   {"sluice model verify NAME [--sample K]\nsluice model verify NAME --last",
                    kDescription, kExamples},
                   &model);
  verb.add_option("NAME", given->model, "The model.")->required();
  verb.add_option("--sample", given->sample, "Compare about so many rows, not all.")
      ->type_name("K")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  verb.add_flag("--last", given->last, "Print what came of the last time; ask for nothing new.");
  program.on_run(verb, [&program, given] { return verify(program, *given); });
}

}  // namespace sluice::cli
