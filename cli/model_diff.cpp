// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <map>
#include <memory>

#include "cli/model.hpp"
#include "cli/model_replay.hpp"
#include "hub/verify/verify_json.hpp"
#include "projection/database/target.hpp"
#include "projection/query/table_diff.hpp"
#include "storage/scratch_folder.hpp"

namespace sluice::cli {
namespace {

using core::Result;
using projection::RowDifference;
namespace json = core::json;

constexpr const char* kDescription =
    "Prints what changed in a read model between two instants: rows that were added, removed and "
    "changed, per table, in the order of the key. A and B are each a time, a position of the hub "
    "stream, or now, as for `sluice model as-of`, or a file that it made.\n"
    "\n"
    "As text, + is a row that only B has, - one that only A has, and ~ one with other values. In "
    "JSON "
    "each is one document, and the last is the summary.";

constexpr const char* kExamples =
    " $ sluice model diff machine-temperature 2026-11-21T08:00:00Z now\n"
    " ~ machine gateway=plant-7 machine=press: readings 812 -> 940, last 61.5 -> 64.25\n"
    " + machine gateway=plant-7 machine=saw: readings 12, last 22.0\n"
    " machine: 1 added, 0 removed, 1 changed\n";

struct Options {
  ReplayChoice choice;
  std::string from, to;
};

std::string text_of(const json::value& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? std::string(value.get_string()) : json_text(value);
}

const char* change_word(RowDifference::Kind kind) {
  switch (kind) {
    case RowDifference::Kind::kExtra:
      return "added";
    case RowDifference::Kind::kMissing:
      return "removed";
    case RowDifference::Kind::kChanged:
      return "changed";
  }
  return "changed";
}

std::string line_of(const RowDifference& row, const json::object& told) {
  const bool changed = row.kind == RowDifference::Kind::kChanged;
  std::string out = changed ? "~ " : row.kind == RowDifference::Kind::kExtra ? "+ " : "- ";
  out += row.table;
  for (const auto& [name, value] : told.at("key").get_object())
    out += " " + std::string(name) + "=" + text_of(value);
  const char* between = ": ";
  for (const json::value& cell : told.at("columns").get_array()) {
    const json::object& one = cell.get_object();
    const json::value& now =
        one.at(row.kind == RowDifference::Kind::kMissing ? "expected" : "found");
    out += between + std::string(one.at("column").get_string()) + " ";
    if (changed) out += text_of(one.at("expected")) + " -> ";
    out += text_of(now);
    between = ", ";
  }
  return out;
}

json::object document_of(const RowDifference& row, const json::object& told) {
  json::array columns;
  for (const json::value& cell : told.at("columns").get_array()) {
    const json::object& one = cell.get_object();
    columns.push_back(json::object{
        {"column", one.at("column")}, {"before", one.at("expected")}, {"after", one.at("found")}});
  }
  return {{"table", row.table},
          {"change", change_word(row.kind)},
          {"key", told.at("key")},
          {"columns", std::move(columns)}};
}

// A side of the comparison: a file that is there, or one that is made for it.
Result<std::unique_ptr<projection::Target>> side(Program& program, const Options& given,
                                                 std::shared_ptr<const projection::Model>& model,
                                                 const std::string& what,
                                                 const std::filesystem::path& scratch) {
  std::error_code error;
  if (std::filesystem::is_regular_file(what, error))
    return projection::Target::open(std::filesystem::path(what), projection::Access::kRead);
  const auto until = parse_instant(what);
  if (!until) return until.error();
  Build build;
  build.model = model;
  build.until = *until;
  build.into = scratch;
  const auto built = build_model(program, given.choice, build);
  if (!built) return built.error();
  program.output.notes(built_text(*built));
  return projection::Target::open(scratch, projection::Access::kRead);
}

Result<void> diff(Program& program, const Options& given) {
  auto model = load_model(program, given.choice);
  if (!model) return model.error();
  const auto folder = storage::ScratchFolder::make("diff");
  if (!folder) return folder.error();
  const auto before = side(program, given, *model, given.from, folder->path() / "a.db");
  if (!before) return before.error();
  const auto after = side(program, given, *model, given.to, folder->path() / "b.db");
  if (!after) return after.error();
  json::array summary;
  for (const projection::Table& table : (*model)->tables()) {
    std::map<RowDifference::Kind, std::uint64_t> count;
    const auto done = projection::compare_table(
        **before, **after, table, {}, [&](const RowDifference& row) -> Result<void> {
          ++count[row.kind];
          const json::object told = hub::difference_json(**model, row);
          if (program.output.json())
            program.output.document(document_of(row, told));
          else
            program.output.line(line_of(row, told));
          return {};
        });
    if (!done) return done.error();
    const auto added = count[RowDifference::Kind::kExtra];
    const auto removed = count[RowDifference::Kind::kMissing];
    const auto changed = count[RowDifference::Kind::kChanged];
    if (program.output.json())
      summary.push_back(json::object{{"table", table.name},
                                     {"added", added},
                                     {"removed", removed},
                                     {"changed", changed},
                                     {"rows", done->rows}});
    else
      program.output.line(table.name + ": " + with_thousands(added) + " added, " +
                          with_thousands(removed) + " removed, " + with_thousands(changed) +
                          " changed");
  }
  if (program.output.json()) program.output.document(json::object{{"summary", std::move(summary)}});
  return {};
}

}  // namespace

void add_model_diff(Program& program, CLI::App& model) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("diff", "print what changed in a read model between two instants",
                                {"sluice model diff NAME A B", kDescription, kExamples}, &model);
  verb.add_option("NAME", given->choice.model, "The model.")->required();
  verb.add_option("A", given->from, "A time, a position, now, or a file of as-of.")->required();
  verb.add_option("B", given->to, "The same.")->required();
  add_replay_options(verb, given->choice);
  program.on_run(verb, [&program, given] {
    const auto done = diff(program, *given);
    return done ? ExitCode::kOk : refuse_model(program, done.error(), "model diff");
  });
}

}  // namespace sluice::cli
