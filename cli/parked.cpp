// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/hub.hpp"
#include "cli/program.hpp"
#include "core/text.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kAbout =
    "An event that a read model cannot take (a value outside the column's type, a sum beyond 64 "
    "bits, "
    "a missing key field) is parked with the later events of its stream; all other streams go on. "
    "Nothing is lost: retry it when the cause is gone, or give it up.";

constexpr const char* kListText =
    "Prints the events that are parked in each read model, with the reason and how many events of "
    "the "
    "same stream wait behind. Events that came after they were given up (late) are here as well; "
    "nothing waits for these.";

constexpr const char* kListExamples =
    " $ sluice parked list\n"
    " MODEL   EVENT                                    STREAM        TYPE     KIND    BEHIND  WHY\n"
    " presses plant-7.0f3a52c1d9e87b64.telemetry.514   plant-7/m/1   Reading  poison      12  "
    "...\n";

constexpr const char* kShowText = "Prints one parked event, decoded, with the reason.";
constexpr const char* kShowExamples =
    " $ sluice parked show presses plant-7.0f3a52c1d9e87b64.telemetry.514\n";

constexpr const char* kRetryText =
    "Takes the event once more. If it fits now, it has its effect, and the later events of its "
    "stream "
    "follow in order, all in one transaction; if one of those does not fit, the stream waits "
    "behind "
    "that one. If it still does not fit, nothing changes, the reason is told, and this ends with "
    "1. An "
    "event that came late is applied now, in spite of what was given up.";
constexpr const char* kRetryExamples =
    " $ sluice parked retry presses plant-7.0f3a52c1d9e87b64.telemetry.514\n";

constexpr const char* kSkipText =
    "Gives up the effect of one parked event in this model, for good; the later events of its "
    "stream "
    "follow in order, in the same transaction. It holds in every version of the model, those that "
    "are "
    "built later too, even if the event fits there. The event stays in the hub stream. The reason "
    "is "
    "kept in the model and in an event of the hub "
    "(ParkedSkipped). This cannot be taken back.";
constexpr const char* kSkipExamples =
    " $ sluice parked skip presses plant-7.0f3a52c1d9e87b64.telemetry.514 \\\n"
    "     --reason 'sensor was on the bench, ticket 81'\n";

struct Given {
  std::string model, event, reason;
};

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? core::printable(value->get_string()) : json_text(*value);
}

ExitCode refuse(Program& program, const core::Error& error, const char* verb) {
  program.output.problem(error, verb);
  return exit_code(error.code);
}

ExitCode list(Program& program, const Given& given) {
  const std::string target =
      given.model.empty() ? "/v1/parked" : "/v1/parked?model=" + http::percent_encode(given.model);
  const auto answer = Hub(program.hub).get(target);
  if (!answer) return refuse(program, answer.error(), "parked list");
  const json::object* document = answer->if_object();
  const json::value* events = document != nullptr ? document->if_contains("parked") : nullptr;
  if (events == nullptr || !events->is_array())
    return refuse(program, core::fail(core::Errc::kCorrupt, "the hub's answer has another form"),
                  "parked list");
  Table table({"MODEL", "EVENT", "STREAM", "TYPE", "KIND", "BEHIND", "WHY"});
  for (const json::value& one : events->get_array()) {
    if (!one.is_object()) continue;
    if (program.output.json()) {
      program.output.document(one);
      continue;
    }
    const json::object& event = one.get_object();
    table.add({text_of(event, "model"), text_of(event, "event"), text_of(event, "stream"),
               text_of(event, "type"), text_of(event, "kind"), text_of(event, "behind"),
               text_of(event, "why")});
  }
  const auto all = all_answered(*document);
  if (!program.output.json() && (all || !events->get_array().empty()))
    program.output.lines(events->get_array().empty() ? "Nothing is parked." : table.text());
  return all ? ExitCode::kOk : refuse(program, all.error(), "parked list");
}

ExitCode show(Program& program, const Given& given) {
  const auto answer = Hub(program.hub)
                          .get("/v1/parked/" + http::percent_encode(given.model) + "/" +
                               http::percent_encode(given.event));
  if (!answer) return refuse(program, answer.error(), "parked show");
  if (program.output.json() || !answer->is_object()) {
    program.output.document(*answer);
    return ExitCode::kOk;
  }
  for (const auto& [name, value] : answer->get_object()) {
    if (name == "content" && value.is_object()) {
      for (const auto& [field, content] : value.get_object())
        program.output.line("  " + std::string(field) + ": " +
                            (content.is_string() ? core::printable(content.get_string())
                                                 : core::printable(json_text(content))));
      continue;
    }
    program.output.line(std::string(name) + ": " + text_of(answer->get_object(), name));
  }
  return ExitCode::kOk;
}

ExitCode settle(Program& program, const Given& given, bool retry) {
  const char* verb = retry ? "parked retry" : "parked skip";
  json::object request{{"model", given.model}, {"event", given.event}};
  if (!retry) request["reason"] = given.reason;
  const auto answer =
      Hub(program.hub).post(retry ? "/v1/parked/retry" : "/v1/parked/skip", request);
  if (!answer) return refuse(program, answer.error(), verb);
  const json::object* told = answer->if_object();
  const json::value* settled = told != nullptr ? told->if_contains("settled") : nullptr;
  if (settled == nullptr || !settled->is_bool())
    return refuse(program, core::fail(core::Errc::kCorrupt, "the hub's answer has another form"),
                  verb);
  if (program.output.json()) {
    program.output.document(*answer);
  } else if (!settled->get_bool()) {
    program.output.line("It still does not fit: " + text_of(*told, "why"));
  } else {
    program.output.line(std::string(retry ? "Applied" : "Given up") + "; " +
                        text_of(*told, "applied") + " events took effect, " +
                        text_of(*told, "behind") + " of the stream still wait" +
                        (told->contains("why") ? ": " + text_of(*told, "why") : "."));
  }
  return settled->get_bool() ? ExitCode::kOk : ExitCode::kOther;
}

void add_event(CLI::App& verb, Given& given) {
  verb.add_option("MODEL", given.model, "The model.")->required();
  verb.add_option("EVENT", given.event, "The event's identity, as `sluice parked list` prints it.")
      ->required();
}

}  // namespace

void add_parked(Program& program) {
  CLI::App& parked = program.verb("parked", "events that a read model cannot take",
                                  {"sluice parked VERB ...", kAbout, ""});
  parked.require_subcommand(1);
  auto given = std::make_shared<Given>();

  CLI::App& listed =
      program.verb("list", "print what is parked",
                   {"sluice parked list [--model NAME]", kListText, kListExamples}, &parked);
  listed.add_option("--model", given->model, "Only of this model.")->type_name("NAME");
  program.on_run(listed, [&program, given] { return list(program, *given); });

  CLI::App& shown =
      program.verb("show", "print one parked event",
                   {"sluice parked show MODEL EVENT", kShowText, kShowExamples}, &parked);
  add_event(shown, *given);
  program.on_run(shown, [&program, given] { return show(program, *given); });

  CLI::App& retried =
      program.verb("retry", "take a parked event once more",
                   {"sluice parked retry MODEL EVENT", kRetryText, kRetryExamples}, &parked);
  add_event(retried, *given);
  program.on_run(retried, [&program, given] { return settle(program, *given, true); });

  CLI::App& skipped = program.verb(
      "skip", "give up a parked event",
      {"sluice parked skip MODEL EVENT --reason TEXT", kSkipText, kSkipExamples}, &parked);
  add_event(skipped, *given);
  skipped.add_option("--reason", given->reason, "Why, for those who ask later.")
      ->required()
      ->type_name("TEXT");
  program.on_run(skipped, [&program, given] { return settle(program, *given, false); });
}

}  // namespace sluice::cli
