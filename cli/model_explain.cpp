// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/model.hpp"
#include "projection/model/model.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kDescription =
    "Prints what a model file means: what each event does to which row in words, and the SQL of "
    "its "
    "tables, rows and views for one kind of database, or for both. Nothing is asked of a hub.";

constexpr const char* kExamples = " $ sluice model explain pump.model.toml --dialect postgres\n";

struct Options {
  std::string file;
  std::string dialect;
};

ExitCode explain(Program& program, const Options& given) {
  const auto model = projection::Model::load(given.file);
  if (!model) return refuse_model(program, model.error(), "model explain");
  using projection::Dialect;
  std::string text = (*model)->explain();
  for (const Dialect dialect : {Dialect::kSqlite, Dialect::kPostgres})
    if (given.dialect.empty() || given.dialect == projection::dialect_word(dialect))
      text += "\n" + (*model)->explain(dialect);
  while (text.ends_with('\n')) text.pop_back();
  if (program.output.json())
    program.output.document(core::json::object{{"model", (*model)->name()}, {"text", text}});
  else
    program.output.lines(text);
  return ExitCode::kOk;
}

}  // namespace

void add_model_explain(Program& program, CLI::App& model) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "explain", "say what a model file means, and its SQL",
      {"sluice model explain FILE [--dialect sqlite|postgres]", kDescription, kExamples}, &model);
  verb.add_option("FILE", given->file, "A model file, NAME.model.toml.")->required();
  verb.add_option("--dialect", given->dialect, "Only the SQL of this kind of database.")
      ->type_name("sqlite|postgres")
      ->check(CLI::IsMember({"sqlite", "postgres"}).description(""));
  program.on_run(verb, [&program, given] { return explain(program, *given); });
}

}  // namespace sluice::cli
