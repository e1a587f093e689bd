// SPDX-License-Identifier: Apache-2.0
#include "cli/model.hpp"

#include "core/text.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kAbout =
    "A read model is a set of tables that sluice-hub keeps up to date from the hub's events. A "
    "text "
    "file, NAME.model.toml, defines it; docs/models.md tells the format.";

}  // namespace

ExitCode refuse_model(Program& program, const core::Error& error, const char* verb) {
  if (error.code != core::Errc::kConfig || program.output.json()) {
    program.output.problem(error, verb);
  } else {
    // Each line names its place in the file, in the form that editors jump to.
    program.output.notes(error.message);
  }
  return error.code == core::Errc::kConfig ? ExitCode::kConfig : exit_code(error.code);
}

void add_model(Program& program) {
  CLI::App& model = program.verb("model", "read models: check, explain, build, compare",
                                 {"sluice model VERB ...", kAbout, ""});
  model.require_subcommand(1);
  add_model_check(program, model);
  add_model_explain(program, model);
  add_model_test(program, model);
  add_model_versions(program, model);
  add_model_verify(program, model);
  add_model_as_of(program, model);
  add_model_diff(program, model);
}

}  // namespace sluice::cli
