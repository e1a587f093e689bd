// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/hub.hpp"
#include "cli/json_field.hpp"
#include "cli/program.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kAbout =
    "A reactor sends a webhook or a mail for each event of the types that its file names, once, "
    "with the same key for each try. What its receiver refuses for good, or too often, is a dead "
    "letter: it waits for you, and the later letters of its stream go on.";

constexpr const char* kListExamples =
    " $ sluice reactor list\n"
    " REACTOR  REACTION  KIND     WAITING  SENT  DEAD  LAST ERROR\n"
    " welcome  email     email          0    81     1  -\n";

constexpr const char* kDeadExamples =
    " $ sluice reactor dead welcome\n"
    " KEY                                                ATTEMPTS  SINCE                 WHY\n"
    " welcome/email/plant-7.0f3a52c1d9e87b64.telemetry.7         1  2026-11-21T03:14:15Z  550 no "
    "such user\n";

ExitCode refuse(Program& program, const core::Error& error, const char* verb) {
  program.output.problem(error, verb);
  return exit_code(error.code);
}

core::Result<json::array> array_of(const core::Result<json::value>& answer, std::string_view key) {
  if (!answer) return answer.error();
  const json::object* document = answer->if_object();
  const json::value* list = document != nullptr ? document->if_contains(key) : nullptr;
  if (list == nullptr || !list->is_array())
    return core::fail(core::Errc::kCorrupt, "the hub's answer has another form");
  return list->as_array();
}

void add_reactions(Table& table, const json::object& reactor) {
  const json::value* reactions = reactor.if_contains("reactions");
  if (reactions == nullptr || !reactions->is_array()) return;
  for (const json::value& one : reactions->as_array()) {
    const json::object* reaction = one.if_object();
    if (reaction == nullptr) continue;
    table.add({cell_at(reactor, "reactor"), cell_at(*reaction, "reaction"),
               cell_at(*reaction, "kind"), cell_at(*reaction, "waiting"),
               cell_at(*reaction, "sent"), cell_at(*reaction, "dead"),
               cell_at(*reaction, "last_error")});
  }
}

ExitCode list(Program& program) {
  const auto all = array_of(Hub(program.hub).get("/v1/reactors"), "reactors");
  if (!all) return refuse(program, all.error(), "reactor list");
  Table table({"REACTOR", "REACTION", "KIND", "WAITING", "SENT", "DEAD", "LAST ERROR"});
  for (const json::value& one : *all) {
    if (program.output.json())
      program.output.document(one);
    else if (one.is_object())
      add_reactions(table, one.as_object());
  }
  if (!program.output.json())
    program.output.lines(all->empty() ? "No reactors: [hub] reactors names none." : table.text());
  return ExitCode::kOk;
}

ExitCode dead(Program& program, const std::string& name) {
  const auto all = array_of(
      Hub(program.hub).get("/v1/reactors/" + http::percent_encode(name) + "/dead"), "dead");
  if (!all) return refuse(program, all.error(), "reactor dead");
  Table table({"KEY", "ATTEMPTS", "SINCE", "WHY"});
  for (const json::value& one : *all) {
    if (program.output.json()) {
      program.output.document(one);
    } else if (const json::object* letter = one.if_object()) {
      table.add({cell_at(*letter, "key"), cell_at(*letter, "attempts"), cell_at(*letter, "dead_at"),
                 cell_at(*letter, "why")});
    }
  }
  if (!program.output.json())
    program.output.lines(all->empty() ? "No dead letters." : table.text());
  return ExitCode::kOk;
}

struct Choice {
  std::string reactor, key, reason;
  bool all = false;
};

ExitCode decide(Program& program, const Choice& choice, bool is_drop) {
  const char* verb = is_drop ? "reactor drop" : "reactor retry";
  json::object request;
  if (choice.all) request["all"] = true;
  if (!choice.key.empty()) request["key"] = choice.key;
  if (is_drop) request["reason"] = choice.reason;
  const auto answer = Hub(program.hub)
                          .post("/v1/reactors/" + http::percent_encode(choice.reactor) +
                                    (is_drop ? "/drop" : "/retry"),
                                request);
  if (!answer) return refuse(program, answer.error(), verb);
  if (program.output.json())
    program.output.document(*answer);
  else
    program.output.line(cell_at(answer->as_object(), "letters") + " letters " +
                        (is_drop ? "dropped." : "are tried again."));
  return ExitCode::kOk;
}

void add_decision(Program& program, CLI::App& reactor, bool is_drop) {
  const std::string name = is_drop ? "drop" : "retry";
  auto choice = std::make_shared<Choice>();
  CLI::App& verb = program.verb(
      name, is_drop ? "give up dead letters" : "try dead letters again",
      {"sluice reactor " + name + " REACTOR (--key KEY | --all)" +
           (is_drop ? " --reason TEXT" : ""),
       is_drop ? "Forgets one dead letter, or all of a reactor, with your reason in the hub's "
                 "journal and in an event. This cannot be taken back."
               : "Sends one dead letter, or all of a reactor, again, with its attempts counted "
                 "anew. Its message is made from the event and the reactor's file as it is now.",
       " $ sluice reactor " + name + " welcome --all" +
           (is_drop ? " --reason 'ticket 81'\n" : "\n")},
      &reactor);
  verb.add_option("REACTOR", choice->reactor, "The reactor's name.")->required();
  auto* key = verb.add_option("--key", choice->key, "The letter's key.")->type_name("KEY");
  verb.add_flag("--all", choice->all, "All dead letters of the reactor.")->excludes(key);
  if (is_drop)
    verb.add_option("--reason", choice->reason, "Why, for those who ask later.")
        ->required()
        ->type_name("TEXT");
  program.on_run(verb, [&program, choice, is_drop] { return decide(program, *choice, is_drop); });
}

}  // namespace

void add_reactor(Program& program) {
  CLI::App& reactor = program.verb(
      "reactor", "webhooks and mails that follow from events",
      {"sluice reactor list\nsluice reactor dead REACTOR\nsluice reactor retry|drop ...", kAbout,
       ""});
  reactor.require_subcommand(1);
  CLI::App& list_verb = program.verb("list", "print all reactors and what they sent",
                                     {"sluice reactor list", kAbout, kListExamples}, &reactor);
  program.on_run(list_verb, [&program] { return list(program); });
  auto name = std::make_shared<std::string>();
  CLI::App& dead_verb =
      program.verb("dead", "print a reactor's dead letters",
                   {"sluice reactor dead REACTOR", kAbout, kDeadExamples}, &reactor);
  dead_verb.add_option("REACTOR", *name, "The reactor's name.")->required();
  program.on_run(dead_verb, [&program, name] { return dead(program, *name); });
  add_decision(program, reactor, false);
  add_decision(program, reactor, true);
}

}  // namespace sluice::cli
