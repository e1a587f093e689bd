// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/event_text.hpp"
#include "cli/program.hpp"
#include "core/limits.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kDescription =
    "Reads the body of one event from standard input, as it travels on the wire and lies in a hub "
    "stream (MessagePack, docs/event-format.md), and prints it as one line of JSON. It asks "
    "nobody: no gateway and no hub is needed.";

constexpr const char* kExamples =
    " $ nats sub 'ev.main.>' --translate 'sluice decode'\n"
    " $ nats stream get EVENTS-main 42 --json | jq -r .data | base64 -d | sluice decode\n";

ExitCode run_decode(Program& program) {
  std::string body;
  char buffer[16 * 1024];
  while (std::cin.read(buffer, sizeof buffer) || std::cin.gcount() > 0) {
    body.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
    if (body.size() > core::limits::kEventBytes) break;
  }
  program.output.force_json();  // the same for `nats` and for people: there is one event to see
  const auto refuse = [&](const core::Error& error) {
    program.output.problem(error, "decode");
    return exit_code(error.code);
  };
  if (body.empty()) return refuse(core::fail(core::Errc::kBadRequest, "standard input is empty"));
  if (body.size() > core::limits::kEventBytes)
    return refuse(core::fail(core::Errc::kTooLarge, "no event is larger than 256 KiB"));
  if (const auto printed = print_event(program.output, body); !printed)
    return refuse(printed.error());
  return ExitCode::kOk;
}

}  // namespace

void add_decode(Program& program) {
  CLI::App& verb = program.verb("decode", "turn an event's bytes into JSON",
                                {"sluice decode < BODY", kDescription, kExamples});
  program.on_run(verb, [&program] { return run_decode(program); });
}

}  // namespace sluice::cli
