// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/output.hpp"

namespace sluice::cli {

// The long words of one verb, for its `--help`. Paragraphs are parted by an empty line; a line that
// begins with a space is printed as it stands.
struct Manual {
  std::string synopsis;  // one form per line, "sluice append STREAM TYPE JSON [options]"
  std::string description;
  std::string examples;  // "$ command" lines with what they print
};

// `sluice` as a whole: the options that every verb knows, and what the chosen verb will do. Verbs
// add themselves, one per file; parsing does not run anything.
class Program {
 public:
  Program();

  // Declares a verb. `under`: the verb that it is a part of, as `list` of `holds`.
  CLI::App& verb(const std::string& name, const std::string& one_line, Manual manual,
                 CLI::App* under = nullptr);
  // What runs when this verb was chosen.
  void on_run(CLI::App& verb, std::function<ExitCode()> run);

  // Parses and runs. Gives the process's exit code.
  int run(int argc, char** argv);

  Output output;
  std::string gateway = "/run/sluice/ingest.sock";  // a socket, or the folder it lies in
  std::string hub = "http://127.0.0.1:8090";
  std::string nats = "nats://127.0.0.1:4222";

  bool hub_was_named() const;  // by --hub or SLUICE_HUB
  // As the process was started with, the program's name first. Once run() has begun.
  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  class Formatter;
  CLI::App app_;
  std::map<const CLI::App*, Manual> manuals_;
  std::function<ExitCode()> chosen_;
  const CLI::Option* hub_option_ = nullptr;
  std::vector<std::string> arguments_;
};

// One for each verb, in the order of `sluice --help`.
void add_append(Program& program);
void add_import(Program& program);
void add_read(Program& program);
void add_tail(Program& program);
void add_decode(Program& program);
void add_query(Program& program);
void add_stream(Program& program);
void add_parked(Program& program);
void add_holds(Program& program);
void add_reactor(Program& program);
void add_provision(Program& program);
void add_status(Program& program);
void add_doctor(Program& program);
void add_audit(Program& program);
void add_bundle(Program& program);
void add_plugtest(Program& program);
void add_fsck(Program& program);
void add_salvage(Program& program);
void add_log(Program& program);
void add_clone_prepare(Program& program);
void add_model(Program& program);       // hand_over.cpp; in sluice-model: model.cpp
void add_hub_doctor(Program& program);  // sluice-model alone: doctor_centre.cpp

}  // namespace sluice::cli
