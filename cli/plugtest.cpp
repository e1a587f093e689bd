// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/file_text.hpp"
#include "cli/nats_login.hpp"
#include "cli/plugtest_check.hpp"
#include "cli/plugtest_collect.hpp"
#include "cli/plugtest_run.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kDescription =
    "Tests a real board with a real card: does what the gateway acknowledged survive when its plug "
    "is pulled? On another machine, whose plug stays in, `collect` writes down every "
    "acknowledgement. "
    "On the board `run` appends numbered events and reports each acknowledgement at once, until "
    "the "
    "tester pulls the plug. When the board is back, `check` compares the record with the log, and "
    "with --at-hub with the hub stream too. Each `run` is a round; `check` judges all of them.\n"
    "\n"
    "Cards that lie about their cache, and mounts without barriers, show here and nowhere else. "
    "Pull the plug itself: an orderly reboot writes everything first. One cut proves little: do 20 "
    "or more.\n"
    "\n"
    "`check` ends with 0 if nothing is lost, doubled or out of order and at least one round was "
    "ended by a start; with 1 if not. Its events stay in the log as any others, in streams "
    "plugtest/<round>.";

constexpr const char* kExamples =
    "On the machine that stays on:\n"
    " $ sluice plugtest collect --listen :7070 --file card-a.record\n"
    " Listening on port 7070, notes go to card-a.record; end with Ctrl-C.\n"
    "\n"
    "On the board; then pull the plug, some seconds or minutes later:\n"
    " $ sluice plugtest run --collector desk:7070\n"
    "\n"
    "On the board, once it is back:\n"
    " $ sluice plugtest check --collector desk:7070\n";

struct Options {
  std::string listen, file, collector, state, time, shard = "main";
  bool at_hub = false;
  PlugtestLoad load;
  nats::LoginSettings login;
};

ExitCode refuse(Program& program, const core::Error& error) {
  program.output.problem(error, "plugtest");
  return exit_code(error.code);
}

ExitCode run_collect(Program& program, const Options& given) {
  return refuse(program, collect(program.output, given.listen, given.file));
}

ExitCode run_round(Program& program, Options& given) {
  if (!given.time.empty()) {
    const auto time = parse_duration(given.time, "--for");
    if (!time) return refuse(program, time.error());
    given.load.time = *time;
  }
  if (const auto fits = core::check_category(given.load.category); !fits)
    return refuse(program, fits.error());
  given.load.collector = given.collector;
  const auto noted = run_load(program.output, program.gateway, given.load);
  if (!noted) return refuse(program, noted.error());
  if (program.output.json())
    program.output.document(json::object{{"noted", *noted}});
  else
    program.output.line(with_thousands(*noted) + " acknowledged events were noted.");
  return ExitCode::kOk;
}

Result<PlugtestRecord> read_record(const Options& given) {
  if (given.file.empty() == given.collector.empty())
    return fail(Errc::kBadRequest, "give --file FILE or --collector HOST:PORT");
  if (given.file.empty()) return fetch_record(given.collector);
  const auto text = file_text(given.file);
  if (!text) return fail(text.error().code, text.error().message, "--file");
  return PlugtestRecord::parse(*text);
}

const char* word(Ending ending) {
  switch (ending) {
    case Ending::kReboot:
      return "reboot";
    case Ending::kRestart:
      return "restart";
    case Ending::kNone:
      break;
  }
  return "none";
}

void print_verdict(Output& output, const std::vector<RoundVerdict>& rounds, const HubVerdict* hub) {
  if (output.json()) {
    json::array list;
    for (const RoundVerdict& round : rounds)
      list.push_back(json::object{{"round", round.name},
                                  {"ended_by", word(round.ending)},
                                  {"noted", round.noted},
                                  {"kept", round.kept},
                                  {"lost", round.lost},
                                  {"doubled", round.doubled},
                                  {"out_of_order", round.out_of_order},
                                  {"first_lost", round.first_lost}});
    json::object document{{"passed", passed(rounds, hub)}, {"rounds", std::move(list)}};
    if (hub != nullptr)
      document["hub"] = json::object{
          {"missing", hub->missing}, {"copies", hub->copies}, {"doubled", hub->doubled}};
    document["conclusion"] = conclusion(rounds, hub);
    output.document(document);
    return;
  }
  Table table({"round", "ended by", "noted", "in the log", "lost", "doubled", "out of order"});
  for (const RoundVerdict& round : rounds)
    table.add({round.name, word(round.ending), with_thousands(round.noted),
               with_thousands(round.kept), with_thousands(round.lost),
               with_thousands(round.doubled), with_thousands(round.out_of_order)});
  output.lines(table.text());
  if (hub != nullptr)
    output.line("At the hub: " + with_thousands(hub->missing) + " missing, " +
                with_thousands(hub->copies) + " stored again (consumers skip those), " +
                with_thousands(hub->doubled) + " under two identities.");
  output.line(conclusion(rounds, hub));
}

ExitCode run_check(Program& program, const Options& given) {
  const auto record = read_record(given);
  if (!record) return refuse(program, record.error());
  auto source = given.state.empty() ? gateway_source(program.gateway) : folder_source(given.state);
  if (!source) return refuse(program, source.error());
  const auto rounds = check_log(*record, **source);
  if (!rounds) return refuse(program, rounds.error());
  HubVerdict at_hub;
  const HubVerdict* hub = nullptr;
  if (given.at_hub) {
    auto connection = connect_nats(program.nats, given.login);
    if (!connection) return refuse(program, connection.error());
    const auto seen = check_hub(*record, **connection, given.shard);
    if (!seen) return refuse(program, seen.error());
    at_hub = *seen;
    hub = &at_hub;
  }
  print_verdict(program.output, *rounds, hub);
  return passed(*rounds, hub) ? ExitCode::kOk : ExitCode::kOther;
}

void add_collect(Program& program, CLI::App& parent, const std::shared_ptr<Options>& given) {
  CLI::App& verb = program.verb(
      "collect", "write acknowledgements down, on a machine that stays on",
      {"sluice plugtest collect --listen ADDRESS:PORT --file FILE",
       "Takes acknowledgements from boards and answers when they are synced to FILE, which is only "
       "ever appended to. It lets anyone write who reaches the port: use it on a bench.",
       ""},
      &parent);
  verb.add_option("--listen", given->listen, "Where boards connect; :PORT is every address.")
      ->type_name("ADDRESS:PORT")
      ->required();
  verb.add_option("--file", given->file, "The record.")->type_name("FILE")->required();
  program.on_run(verb, [&program, given] { return run_collect(program, *given); });
}

void add_round(Program& program, CLI::App& parent, const std::shared_ptr<Options>& given) {
  CLI::App& verb = program.verb("run", "append and report, until the plug is pulled",
                                {"sluice plugtest run --collector HOST:PORT [options]",
                                 "One round: numbered events at a steady rate, each "
                                 "acknowledgement reported at once.",
                                 ""},
                                &parent);
  verb.add_option("--collector", given->collector, "Where `collect` listens.")
      ->type_name("HOST:PORT")
      ->required();
  const auto from_1 = [](const std::string& text) { return check_whole_number(text, 1); };
  verb.add_option("--rate", given->load.rate, "Events a second.")
      ->type_name("N")
      ->check(from_1)
      ->check(CLI::Range(1, 10'000).description(""))
      ->capture_default_str();
  verb.add_option("--bytes", given->load.bytes, "Padding in each event.")
      ->type_name("N")
      ->check(CLI::Range(0, 100'000).description(""))
      ->capture_default_str();
  verb.add_option("--category", given->load.category, "The stream's category: choose the lane.")
      ->type_name("NAME")
      ->capture_default_str();
  verb.add_option("--for", given->time, "End after this time, if the plug was not pulled.")
      ->type_name("D");
  program.on_run(verb, [&program, given] { return run_round(program, *given); });
}

void add_check(Program& program, CLI::App& parent, const std::shared_ptr<Options>& given) {
  CLI::App& verb =
      program.verb("check", "compare what was acknowledged with what is left",
                   {"sluice plugtest check --file FILE|--collector HOST:PORT [--state DIR]\n"
                    "                      [--at-hub [--nats URL] [--shard NAME]]",
                    "Compares the record, event by event, with the log of the running gateway or "
                    "of a state folder, and says what to conclude.",
                    ""},
                   &parent);
  verb.add_option("--file", given->file, "The record.")->type_name("FILE");
  verb.add_option("--collector", given->collector, "Ask a running `collect` for its record.")
      ->type_name("HOST:PORT");
  verb.add_option("--state", given->state, "Read this state folder, not the running gateway.")
      ->type_name("DIR");
  verb.add_flag("--at-hub", given->at_hub, "Compare with the hub stream at --nats, too.");
  verb.add_option("--shard", given->shard, "The gateway's shard.")
      ->type_name("NAME")
      ->capture_default_str();
  add_login_options(verb, given->login);
  program.on_run(verb, [&program, given] { return run_check(program, *given); });
}

}  // namespace

void add_plugtest(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("plugtest", "pull the plug of a real board, and see what survives",
                   {"sluice plugtest collect --listen ADDRESS:PORT --file FILE\n"
                    "sluice plugtest run --collector HOST:PORT [options]\n"
                    "sluice plugtest check --file FILE|--collector HOST:PORT [options]",
                    kDescription, kExamples});
  verb.require_subcommand(1);
  add_collect(program, verb, given);
  add_round(program, verb, given);
  add_check(program, verb, given);
}

}  // namespace sluice::cli
