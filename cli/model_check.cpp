// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/model.hpp"
#include "projection/model/model.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kDescription =
    "Reads model files as sluice-hub would, and says what is wrong in them: every mistake, each as "
    "file:line:column. Nothing is asked of a hub or a database. Warnings do not make it fail.";

constexpr const char* kExamples =
    " $ sluice model check *.model.toml\n"
    " pump.model.toml:14:3: set is refused here: ...\n";

ExitCode check(Program& program, const std::vector<std::string>& files) {
  std::size_t wrong = 0;
  for (const std::string& file : files) {
    const auto model = projection::Model::load(file);
    if (!model) {
      ++wrong;
      refuse_model(program, model.error(), "model check");
      continue;
    }
    for (const std::string& warning : (*model)->warnings()) program.output.notes(warning);
    if (program.output.json()) {
      core::json::array warnings;
      for (const std::string& warning : (*model)->warnings()) warnings.emplace_back(warning);
      program.output.document(core::json::object{{"file", file},
                                                 {"model", (*model)->name()},
                                                 {"version", (*model)->version()},
                                                 {"warnings", std::move(warnings)}});
    } else {
      program.output.line(file + ": good, model " + (*model)->name() + " version " +
                          std::to_string((*model)->version()));
    }
  }
  return wrong == 0 ? ExitCode::kOk : ExitCode::kConfig;
}

}  // namespace

void add_model_check(Program& program, CLI::App& model) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App& verb = program.verb("check", "say what is wrong in model files",
                                {"sluice model check FILE...", kDescription, kExamples}, &model);
  verb.add_option("FILE", *files, "A model file, NAME.model.toml.")->required();
  program.on_run(verb, [&program, files] { return check(program, *files); });
}

}  // namespace sluice::cli
