// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <memory>
#include <optional>

#include "cli/file_text.hpp"
#include "cli/model.hpp"
#include "core/text.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"
#include "projection/trial/trial.hpp"
#include "storage/scratch_folder.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using projection::Place;
using projection::Trial;

constexpr const char* kDescription =
    "Runs the tests that stand beside a model, in NAME.test.toml: given these events, the model "
    "holds these rows. Each test goes through the same gate and operations as in sluice-hub, into "
    "a "
    "SQLite file of its own in a scratch folder, or with --target into a schema of its own in a "
    "PostgreSQL, which is dropped afterwards. Exit code 0: all passed; 1: a difference; 78: a file "
    "is wrong. docs/models.md tells the form.";

constexpr const char* kExamples =
    " $ sluice model test pump.model.toml\n"
    " ok    a reading counts once\n"
    " FAIL  a retired machine is gone\n"
    "       line 31: table machine: row gateway=\"plant-7\" machine=\"press\", column readings: "
    "expected 2, found 3\n"
    " $ sluice model test pump.model.toml --target 'host=/run/postgresql dbname=scratch'\n";

struct Options {
  std::string model, cases, target;
};

// Where tests run, one place after the other; nothing of them stays.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make(const std::string& conninfo) {
    auto scratch = std::make_unique<Scratch>();
    scratch->conninfo_ = conninfo;
    if (!conninfo.empty()) return scratch;
    auto folder = storage::ScratchFolder::make("test");
    if (!folder) return folder.error();
    scratch->folder_.emplace(std::move(*folder));
    return scratch;
  }

  Result<std::vector<std::string>> run(const std::shared_ptr<const projection::Model>& model,
                                       const Trial& trial) {
    ++number_;
    if (conninfo_.empty()) {
      const auto file = folder_->path() / (std::to_string(number_) + ".db");
      return projection::run_trial(model, trial, file);
    }
    const std::string schema =
        "sluice_test_" + std::to_string(::getpid()) + "_" + std::to_string(number_);
    const Place place = Place::postgres(conninfo_, schema);
    auto out = projection::run_trial(model, trial, place);
    auto target = projection::Target::open(place, projection::Access::kWrite);
    if (!target) return target.error();
    SLUICE_TRY((*target)->exec("DROP SCHEMA \"" + schema + "\" CASCADE"));
    return out;
  }

 private:
  std::optional<storage::ScratchFolder> folder_;  // of SQLite files alone
  std::string conninfo_;
  int number_ = 0;
};

std::string cases_beside(const std::string& model) {
  constexpr std::string_view kEnding = ".model.toml";
  if (model.ends_with(kEnding))
    return model.substr(0, model.size() - kEnding.size()) + ".test.toml";
  return model + ".test.toml";
}

void tell(Program& program, const Trial& trial, const std::vector<std::string>& differences) {
  if (program.output.json()) {
    core::json::array list;
    for (const std::string& text : differences) list.emplace_back(text);
    program.output.document(core::json::object{
        {"test", trial.name}, {"ok", differences.empty()}, {"differences", std::move(list)}});
    return;
  }
  program.output.line((differences.empty() ? "ok    " : "FAIL  ") + trial.name);
  for (const std::string& text : differences) program.output.line("      " + text);
}

ExitCode test(Program& program, const Options& given) {
  const auto refuse = [&](const core::Error& error) {
    return refuse_model(program, error, "model test");
  };
  const auto model = projection::Model::load(given.model);
  if (!model) return refuse(model.error());
  const std::string file = given.cases.empty() ? cases_beside(given.model) : given.cases;
  const auto text = file_text(file);
  if (!text) return refuse(text.error());
  const auto trials = projection::parse_trials(*text, file);
  if (!trials) return refuse(trials.error());
  auto scratch = Scratch::make(given.target);
  if (!scratch) return refuse(scratch.error());
  std::size_t failed = 0;
  for (const Trial& trial : *trials) {
    const auto differences = (*scratch)->run(*model, trial);
    if (!differences) return refuse(differences.error());
    tell(program, trial, *differences);
    if (!differences->empty()) ++failed;
  }
  program.output.note(std::to_string(trials->size() - failed) + " of " +
                      std::to_string(trials->size()) + " tests passed");
  return failed == 0 ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace

void add_model_test(Program& program, CLI::App& model) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "test", "run the tests beside a model",
      {"sluice model test FILE [CASES] [--target CONNINFO]", kDescription, kExamples}, &model);
  verb.add_option("FILE", given->model, "A model file, NAME.model.toml.")->required();
  verb.add_option("CASES", given->cases, "Its tests; without it NAME.test.toml beside the model.");
  verb.add_option("--target", given->target, "A PostgreSQL to run in, as libpq takes it.")
      ->type_name("CONNINFO");
  program.on_run(verb, [&program, given] { return test(program, *given); });
}

}  // namespace sluice::cli
