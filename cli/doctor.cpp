// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"

#include <cstdio>
#include <cstdlib>

#include "cli/hand_over.hpp"
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
  std::string what = "gateway";
  std::string config = "/etc/sluice/sluice.toml";
  double disk_seconds = 3;
};

using PatientCheck = Finding (*)(Patient&);
using RoadCheck = Finding (*)(HubRoad&);

std::vector<Check> checks_of(Patient& patient) {
  const auto own = [&patient](const char* name, PatientCheck check) {
    return Check{name, [&patient, check] { return std::vector{check(patient)}; }};
  };
  const auto road = [&patient](const char* name, RoadCheck check) {
    return Check{name, [&patient, check] {
                   return std::vector{patient.road
                                          ? check(*patient.road)
                                          : skipped("the configuration does not say where the "
                                                    "hub is")};
                 }};
  };
  return {own("config", check_config),
          own("state folder", check_state_folder),
          own("history", check_history),
          own("disk", check_disk),
          own("clock", check_clock),
          road("DNS", check_dns),
          road("TCP", check_tcp),
          road("TLS", check_tls),
          road("login", check_login),
          own("hub stream", check_hub_stream),
          own("publish right", check_publish_right),
          own("report", check_report),
          own("anchors", check_anchors)};
}

ExitCode run_doctor(Program& program, const Options& given) {
  const core::SystemClock clock;
  Patient patient{.config_file = given.config, .disk_seconds = given.disk_seconds, .clock = clock};
  const ExitCode code = examine(program.output, clock, checks_of(patient));
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
                                {"sluice doctor [--config FILE]\nsluice doctor hub [--config FILE]",
                                 kDescription, kExamples});
  verb.add_option("what", given->what, "`gateway`, or `hub` for the centre (see its --help).")
      ->check(CLI::IsMember({"gateway"}).description(""))
      ->capture_default_str();
  const CLI::App& hub = add_handed_over(program, "hub", "examine the hub (see its --help)", &verb);
  verb.add_option("--config", given->config, "The gateway's configuration.")
      ->type_name("FILE")
      ->envname("SLUICE_CONFIG")
      ->capture_default_str();
  verb.add_option("--disk-seconds", given->disk_seconds, "How long the disk is examined.")
      ->type_name("S")
      ->check(CLI::Range(0.0, 600.0).description(""))
      ->capture_default_str();
  program.on_run(verb, [&program, &hub, given] {
    return hub.parsed() ? hand_over(program) : run_doctor(program, *given);
  });
}

}  // namespace sluice::cli
