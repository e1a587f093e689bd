// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/hub.hpp"
#include "cli/json_field.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kAboutHolds =
    "A read model applies each lane of a gateway without gaps. Where an event is missing at the "
    "hub, the later ones of that lane are held until it comes, and the gateway is asked for it. "
    "Most holds end by themselves in seconds. One that stays means that the gateway is away, or "
    "that the events are gone for good.";

constexpr const char* kListExamples =
    " $ sluice holds list\n"
    " MODEL  GATEWAY  EPOCH             LANE       MISSING   HELD  SINCE\n"
    " pumps  plant-7  0f3a52c1d9e87b64  telemetry  512..514    88  2026-11-21T03:14:15Z\n";

constexpr const char* kSkipText =
    "Gives up the missing events of one lane, in every model or in the one that is named: what is "
    "held behind them is applied, the missing range is kept as skipped with your reason, and an "
    "event says so. An event of the range that comes later is reported as late, not applied. This "
    "cannot be taken back.";

constexpr const char* kSkipExamples =
    " $ sluice holds skip --gateway-id plant-7 --epoch 0f3a52c1d9e87b64 --lane telemetry \\\n"
    "     --to 514 --reason 'card of plant-7 burnt, see ticket 81'\n";

struct Skip {
  std::string gateway, epoch, lane, model, reason;
  std::uint64_t to = 0;
};

// What is not there: a range, or what the lane needs before its first event can be applied.
std::string missing_of(const json::object& hold) {
  const std::string range = cell_at(hold, "from") + ".." + cell_at(hold, "to");
  const std::string kind = cell_at(hold, "kind");
  return kind == "missing" || kind == "-" ? range : range + " (" + kind + ")";
}

ExitCode refuse(Program& program, const core::Error& error, const char* verb) {
  program.output.problem(error, verb);
  return exit_code(error.code);
}

ExitCode list_holds(Program& program) {
  const auto answer = Hub(program.hub).get("/v1/holds");
  if (!answer) return refuse(program, answer.error(), "holds list");
  const json::object* document = answer->if_object();
  const json::value* holds = document != nullptr ? document->if_contains("holds") : nullptr;
  if (holds == nullptr || !holds->is_array())
    return refuse(program, core::fail(core::Errc::kCorrupt, "the hub's answer has another form"),
                  "holds list");
  Table table({"MODEL", "GATEWAY", "EPOCH", "LANE", "MISSING", "HELD", "SINCE"});
  for (const json::value& one : holds->get_array()) {
    if (!one.is_object()) continue;
    if (program.output.json()) {
      program.output.document(one);
      continue;
    }
    const json::object& hold = one.get_object();
    table.add({cell_at(hold, "model"), cell_at(hold, "gateway"), cell_at(hold, "epoch"),
               cell_at(hold, "lane"), missing_of(hold), cell_at(hold, "held"),
               cell_at(hold, "since")});
  }
  const auto all = all_answered(*document);
  if (!program.output.json() && (all || !holds->get_array().empty()))
    program.output.lines(holds->get_array().empty() ? "No holds: every lane is whole."
                                                    : table.text());
  return all ? ExitCode::kOk : refuse(program, all.error(), "holds list");
}

ExitCode skip_hold(Program& program, const Skip& given) {
  json::object request{{"gateway", given.gateway},
                       {"epoch", given.epoch},
                       {"lane", given.lane},
                       {"to", given.to},
                       {"reason", given.reason}};
  if (!given.model.empty()) request["model"] = given.model;
  const auto answer = Hub(program.hub).post("/v1/holds/skip", request);
  if (!answer) return refuse(program, answer.error(), "holds skip");
  if (program.output.json())
    program.output.document(*answer);
  else
    program.output.line("Skipped up to seq " + std::to_string(given.to) + " of lane " + given.lane +
                        " of " + given.gateway + ".");
  return ExitCode::kOk;
}

}  // namespace

void add_holds(Program& program) {
  CLI::App& holds = program.verb("holds", "what read models wait for, and giving it up",
                                 {"sluice holds list\nsluice holds skip ...", kAboutHolds, ""});
  holds.require_subcommand(1);

  CLI::App& list = program.verb("list", "print all holds",
                                {"sluice holds list", kAboutHolds, kListExamples}, &holds);
  program.on_run(list, [&program] { return list_holds(program); });

  auto given = std::make_shared<Skip>();
  CLI::App& skip =
      program.verb("skip", "give up missing events",
                   {"sluice holds skip --gateway-id G --epoch E --lane L --to SEQ --reason TEXT",
                    kSkipText, kSkipExamples},
                   &holds);
  skip.add_option("--gateway-id", given->gateway, "The gateway's id.")->required()->type_name("G");
  skip.add_option("--epoch", given->epoch, "The epoch, 16 hex digits.")->required()->type_name("E");
  skip.add_option("--lane", given->lane, "The lane.")->required()->type_name("L");
  skip.add_option("--to", given->to, "The last missing seq.")
      ->required()
      ->type_name("SEQ")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  skip.add_option("--reason", given->reason, "Why, for those who ask later.")
      ->required()
      ->type_name("TEXT");
  skip.add_option("--model", given->model, "Only in this model.")->type_name("NAME");
  program.on_run(skip, [&program, given] { return skip_hold(program, *given); });
}

}  // namespace sluice::cli
