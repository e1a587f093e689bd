// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"

#include <cstdio>
#include <cstdlib>

#include "cli/program.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kDescription =
    "Examines a gateway from the configuration to the hub, in the order in which things depend on "
    "one another, and says for each what it found, how long that took, and what to do if it is not "
    "well: the configuration, the state folder, the log's history (whether it came apart, or is "
    "another machine's), the disk (3 s of small synced writes in a scratch "
    "file: how long a commit takes, the events/s to expect, and how long the flash lasts), the "
    "clock, and then name, connection, TLS, login, hub stream, the right to publish, the report "
    "and the anchors, with the gateway's own login.\n"
    "\n"
    "It works with the daemons stopped and beside running ones. It stores nothing at the hub: its "
    "trial messages are made so that JetStream refuses them.\n"
    "\n"
    "It ends with 0 if nothing failed (warnings are no failure), with 1 otherwise.";

constexpr const char* kExamples =
    " $ sudo sluice doctor\n"
    " $ sluice doctor --config ./sluice.toml --disk-seconds 0.5\n";

struct Options {
  std::string config = "/etc/sluice/sluice.toml";
  double disk_seconds = 3;
};

struct Check {
  const char* name;
  Finding (*run)(Patient&);
};
constexpr Check kChecks[] = {
    {"config", check_config},
    {"state folder", check_state_folder},
    {"history", check_history},
    {"disk", check_disk},
    {"clock", check_clock},
    {"DNS", check_dns},
    {"TCP", check_tcp},
    {"TLS", check_tls},
    {"login", check_login},
    {"hub stream", check_hub_stream},
    {"publish right", check_publish_right},
    {"report", check_report},
    {"anchors", check_anchors},
};

const char* word(Finding::State state) {
  switch (state) {
    case Finding::State::kOk:
      return "ok";
    case Finding::State::kWarning:
      return "warning";
    case Finding::State::kFailed:
      return "FAILED";
    case Finding::State::kSkipped:
      return "skipped";
  }
  return "unknown";
}

void print(Output& output, const char* name, const Finding& finding, double took_ms) {
  if (output.json()) {
    json::object document{
        {"check", name},
        {"state", finding.state == Finding::State::kFailed ? "failed" : word(finding.state)},
        {"found", finding.words},
        {"next_step", finding.next_step},
        {"ms", took_ms}};
    if (!finding.figures.empty()) document["figures"] = finding.figures;
    output.document(document);
  } else {
    char head[64];
    std::snprintf(head, sizeof head, "%-14s %-8s %8.1f ms  ", name, word(finding.state), took_ms);
    output.raw_line(head + finding.words);
    if (!finding.next_step.empty())
      output.raw_line(std::string(36, ' ') + "-> " + finding.next_step);
  }
  output.flush();
}

ExitCode run_doctor(Program& program, const Options& given) {
  const core::SystemClock clock;
  Patient patient{.config_file = given.config, .disk_seconds = given.disk_seconds, .clock = clock};
  ExitCode code = ExitCode::kOk;
  for (const Check& check : kChecks) {
    const std::uint64_t begin = clock.monotonic_ns();
    const Finding finding = check.run(patient);
    print(program.output, check.name, finding,
          static_cast<double>(clock.monotonic_ns() - begin) / 1e6);
    if (finding.state == Finding::State::kFailed) code = ExitCode::kOther;
  }
  // A connection attempt that hangs in nats.c is left behind on a thread of its own; nothing waits
  // for it.
  if (nats::Connection::abandoned() > 0) {
    program.output.flush();
    std::_Exit(static_cast<int>(code));
  }
  return code;
}

}  // namespace

void add_doctor(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("doctor", "examine a gateway from configuration to hub",
                                {"sluice doctor [--config FILE]", kDescription, kExamples});
  verb.add_option("--config", given->config, "The gateway's configuration.")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG")
      ->capture_default_str();
  verb.add_option("--disk-seconds", given->disk_seconds, "How long the disk is examined.")
      ->type_name("S")
      ->check(CLI::Range(0.0, 600.0).description(""))
      ->capture_default_str();
  program.on_run(verb, [&program, given] { return run_doctor(program, *given); });
}

}  // namespace sluice::cli
