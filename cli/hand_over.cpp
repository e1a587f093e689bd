// SPDX-License-Identifier: Apache-2.0
#include "cli/hand_over.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/run_program.hpp"

namespace sluice::cli {

ExitCode hand_over(Program& program) {
  const std::string other = program_beside("sluice-model");
  std::vector<char*> arguments;
  for (const std::string& argument : program.arguments())
    arguments.push_back(const_cast<char*>(argument.c_str()));  // the C interface changes nothing
  arguments.push_back(nullptr);
  execvp(other.c_str(), arguments.data());
  const std::string why = errno == ENOENT ? "is not installed" : std::strerror(errno);
  program.output.problem(
      core::fail(core::Errc::kUnsupported,
                 "this is done by the program sluice-model, which " + why +
                     ": install the package sluice-hub, on this machine or where the hub is"),
      "sluice");
  return exit_code(core::Errc::kUnsupported);
}

CLI::App& add_handed_over(Program& program, const std::string& name, const std::string& one_line,
                          CLI::App* under) {
  CLI::App& verb = program.verb(name, one_line, {"sluice " + name + " VERB ...", "", ""}, under);
  verb.fallthrough(false);
  verb.set_help_flag();
  verb.prefix_command();
  program.on_run(verb, [&program] { return hand_over(program); });
  return verb;
}

void add_model(Program& program) {
  add_handed_over(program, "model", "check, explain, test, rebuild and verify read models");
}

void add_stream(Program& program) {
  add_handed_over(program, "stream", "one stream's events and what they add up to");
}

}  // namespace sluice::cli
