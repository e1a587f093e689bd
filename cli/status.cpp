// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/gateway.hpp"
#include "cli/program.hpp"
#include "cli/state_status.hpp"
#include "cli/status_view.hpp"
#include "cli/units.hpp"
#include "core/clock.hpp"
#include "rpc/pack.hpp"

namespace sluice::cli {
namespace {

using core::Result;
namespace json = core::json;

constexpr const char* kDescription =
    "Shows a gateway on one screen: whether the link to the hub is up, since when, what went wrong "
    "last and when it is tried next; for each lane what waits, how old its oldest event is, how "
    "fast it drains and when it will be empty; what the hub has; the disk, the clock, what was "
    "sent today, and versions. Where a log came apart (a lost tail, an old copy, a clone, a "
    "snapshot) it says so, and what to do. After a minute it shows what an event costs the card, "
    "and with [log] card_endurance how long a new one lasts at this pace.\n"
    "\n"
    "With --state it reads a state folder instead of asking a running gateway: for a dead gateway, "
    "or its card in a reader. It never writes there.\n"
    "\n"
    "With --check it prints one line in the form of monitoring plug-ins and ends with their codes "
    "instead of the usual ones: 0 ok, 1 warning, 2 critical, 3 unknown (nobody answers). A link "
    "that is down is a warning, because the events are safe and that is what Sluice is for; events "
    "that wait for longer than --critical are critical.";

constexpr const char* kExamples =
    " $ sluice status\n"
    " $ sluice status --state /mnt/card/var/lib/sluice\n"
    " $ sluice status --check --warning 15min --critical 6h\n"
    " SLUICE OK - plant-7: link up, 0 waiting | backlog=0 oldest=0s disk_free=8123904000B\n"
    " $ sluice status --json | jq '.lanes.alarm'\n";

struct Options {
  std::string state;
  bool check = false;
  std::string warning = "15min", critical = "24h";
};

Result<json::value> ask(Program& program, const Options& given) {
  if (!given.state.empty()) return status_of_folder(given.state);
  auto client = connect_gateway(program.gateway);
  if (!client) return client.error();
  const auto answer = client->call("status", rpc::Packer().array(0).str());
  if (!answer) return answer.error();
  return document_of(*answer);
}

ExitCode check(Program& program, const Options& given, const Result<StatusView>& view) {
  Thresholds limits;
  const auto warning = parse_duration(given.warning, "--warning");
  const auto critical = parse_duration(given.critical, "--critical");
  if (!warning || !critical || !view) {
    const core::Error& error = !view ? view.error() : !warning ? warning.error() : critical.error();
    program.output.line("SLUICE UNKNOWN - " + error.message);
    return static_cast<ExitCode>(3);
  }
  limits.warning_age_ns = warning->count();
  limits.critical_age_ns = critical->count();
  const Verdict verdict = judge(*view, limits, core::SystemClock().wall_ns());
  program.output.line(verdict.line);
  return static_cast<ExitCode>(verdict.code);
}

ExitCode run_status(Program& program, const Options& given) {
  const auto document = ask(program, given);
  const Result<StatusView> view =
      document ? view_of(*document) : Result<StatusView>(document.error());
  if (given.check) return check(program, given, view);
  if (!view) {
    program.output.problem(view.error(), "status");
    return exit_code(view.error().code);
  }
  if (program.output.json())
    program.output.document(*document);
  else
    program.output.lines(status_text(*view, core::SystemClock().wall_ns()));
  return ExitCode::kOk;
}

}  // namespace

void add_status(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "status", "show a gateway on one screen",
      {"sluice status [--state DIR]\nsluice status --check [--warning D] [--critical D]",
       kDescription, kExamples});
  verb.add_option("--state", given->state, "Read this state folder, not a running gateway.")
      ->type_name("DIR");
  verb.add_flag("--check", given->check, "One line and exit code for monitoring.");
  verb.add_option("--warning", given->warning, "With --check: warn when events wait this long.")
      ->type_name("D")
      ->capture_default_str();
  verb.add_option("--critical", given->critical,
                  "With --check: critical when events wait this long.")
      ->type_name("D")
      ->capture_default_str();
  program.on_run(verb, [&program, given] { return run_status(program, *given); });
}

}  // namespace sluice::cli
