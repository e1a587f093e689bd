// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/model.hpp"
#include "cli/model_replay.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kDescription =
    "Builds a read model as it was: reads the hub streams from their first message up to an "
    "instant "
    "and applies them, in a SQLite file of your own. The hub's own model is not touched, and the "
    "file is a model's database as docs/models.md tells it, views included.\n"
    "\n"
    "WHEN is a time (2026-11-21T14:00:00Z), a position of the hub stream (641, or plant:641 if "
    "there "
    "are several shards), or now. The time is when the hub stored an event, not when it happened: "
    "the "
    "answer is what a dashboard showed then, when events that were late had not come yet.\n"
    "\n"
    "What operators had decided by then in the hub's model, about parked events (`sluice parked`) "
    "and about holes that they stepped over (`sluice holds skip`), is asked of the hub and holds "
    "in the file too. What waits behind other holes is counted and told.";

constexpr const char* kExamples =
    " $ sluice model as-of machine-temperature 2026-11-20T18:00:00Z --into then.db\n"
    " EVENTS-main: up to message 20517, stored 2026-11-20T17:59:58.413Z\n"
    " $ sqlite3 then.db 'SELECT machine, last FROM machine ORDER BY last DESC LIMIT 3'\n";

struct Options {
  ReplayChoice choice;
  std::string when, into;
};

core::Result<void> as_of(Program& program, const Options& given) {
  const auto until = parse_instant(given.when);
  if (!until) return until.error();
  const auto model = load_model(program, given.choice);
  if (!model) return model.error();
  Build build;
  build.model = *model;
  build.until = *until;
  build.into = given.into;
  const auto built = build_model(program, given.choice, build);
  if (!built) return built.error();
  if (!program.output.json()) {
    program.output.lines(built_text(*built));
    return {};
  }
  core::json::object document{
      {"model", (*model)->name()}, {"version", (*model)->version()}, {"into", given.into}};
  for (const auto& [name, value] : built_json(*built)) document[name] = value;
  program.output.document(document);
  return {};
}

}  // namespace

void add_model_as_of(Program& program, CLI::App& model) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "as-of", "build a read model as it was at some instant",
      {"sluice model as-of NAME WHEN --into FILE.db", kDescription, kExamples}, &model);
  verb.add_option("NAME", given->choice.model, "The model.")->required();
  verb.add_option("WHEN", given->when, "A time, a position, or now.")->required();
  verb.add_option("--into", given->into, "The file to make.")->required()->type_name("FILE.db");
  add_replay_options(verb, given->choice);
  program.on_run(verb, [&program, given] {
    const auto done = as_of(program, *given);
    return done ? ExitCode::kOk : refuse_model(program, done.error(), "model as-of");
  });
}

}  // namespace sluice::cli
