// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/hub.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"
#include "core/text.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kDescription =
    "Prints rows of a read model's table or view from the hub: one JSON object per row, or a text "
    "table on a terminal. --where keeps the rows whose column has that value; several must all "
    "hold. Rows come in the order of --order, or else of the table's key.\n"
    "\n"
    "With --after the answer comes when the model has what was appended: TOKEN is what sluice "
    "append prints. If it does not have it within --wait, the exit code is 6 and the message says "
    "how far it is.";

constexpr const char* kExamples =
    " $ sluice query host latest\n"
    " $ sluice query host latest --where gateway=plant-7 --order -cpu_percent --limit 5\n"
    " $ sluice query machine hourly --all --json > hourly.jsonl\n"
    " $ sluice query pumps latest --after plant-7:e19b447f870d0239:telemetry:4711 --wait 2s\n";

struct Options {
  std::string model, table;
  std::vector<std::string> where;
  std::string order;
  std::vector<std::string> after;
  std::string wait = "2s";
  std::uint64_t limit = 100;
  bool all = false;
};

constexpr std::uint64_t kPageRows = 1000;

Result<std::string> target_of(const Options& given, std::uint64_t limit, const std::string& page) {
  std::string target = "/v1/models/" + http::percent_encode(given.model) + "/" +
                       http::percent_encode(given.table) + "?limit=" + std::to_string(limit);
  for (const std::string& condition : given.where) {
    if (condition.find('=') == std::string::npos || condition.starts_with('='))
      return fail(Errc::kBadRequest, "'" + core::printable(condition) + "' is not COL=VAL",
                  "--where");
    target += "&where=" + http::percent_encode(condition);
  }
  if (!given.order.empty()) target += "&order=" + http::percent_encode(given.order);
  for (const std::string& token : given.after) target += "&after=" + http::percent_encode(token);
  if (!given.after.empty()) target += "&wait=" + http::percent_encode(given.wait);
  if (!page.empty()) target += "&page=" + http::percent_encode(page);
  return target;
}

std::string cell(const json::value& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? std::string(value.get_string()) : json_text(value);
}

// Rows come as they are in JSON; as text they wait for their columns' widths.
class Rows {
 public:
  explicit Rows(Output& output) : output_(output) {}
  void add(const json::object& row) {
    ++count_;
    if (output_.json()) return output_.document(row);
    std::vector<std::string> header;
    std::vector<std::string> cells;
    for (const auto& [name, value] : row) {
      header.emplace_back(name);
      cells.push_back(cell(value));
    }
    if (!table_) table_.emplace(header);
    table_->add(cells);
  }
  void finish(bool more) {
    if (output_.json()) return;
    if (table_) output_.lines(table_->text());
    output_.note(count_ == 0 ? "no rows"
                             : with_thousands(count_) + (count_ == 1 ? " row" : " rows") +
                                   (more ? "; there are more (--limit, --all)" : ""));
  }
  std::uint64_t count() const { return count_; }

 private:
  Output& output_;
  std::optional<Table> table_;
  std::uint64_t count_ = 0;
};

Result<void> query(Program& program, const Options& given) {
  const Hub hub(program.hub);
  Rows rows(program.output);
  std::string page;
  bool more = true;
  while (more && program.output.good() && (given.all || rows.count() < given.limit)) {
    const std::uint64_t want =
        given.all ? kPageRows : std::min(kPageRows, given.limit - rows.count());
    const auto target = target_of(given, want, page);
    if (!target) return target.error();
    const auto answer = hub.get(*target);
    if (!answer) return answer.error();
    const json::object* document = answer->if_object();
    const json::value* list = document != nullptr ? document->if_contains("rows") : nullptr;
    if (list == nullptr || !list->is_array())
      return fail(Errc::kCorrupt, "the hub's answer to a query has another form");
    for (const json::value& row : list->get_array())
      if (row.is_object()) rows.add(row.get_object());
    const json::value* next = document->if_contains("next");
    more = next != nullptr && next->is_string();
    if (more) page = next->get_string();
  }
  rows.finish(more);
  return {};
}

}  // namespace

void add_query(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "query", "print rows of a read model",
      {"sluice query MODEL TABLE [--where COL=VAL]... [--order COL] [--limit N | --all]",
       kDescription, kExamples});
  verb.add_option("MODEL", given->model, "The model's name.")->required();
  verb.add_option("TABLE", given->table, "One of its tables or views.")->required();
  verb.add_option("--where", given->where, "Only rows with this value in this column; repeatable.")
      ->type_name("COL=VAL")
      ->allow_extra_args(false);
  verb.add_option("--after", given->after, "Only when the model has this append; repeatable.")
      ->type_name("TOKEN")
      ->allow_extra_args(false);
  verb.add_option("--wait", given->wait, "With --after: how long, at most 30s.")
      ->type_name("D")
      ->capture_default_str();
  verb.add_option("--order", given->order, "The column to sort by; -COL for the largest first.")
      ->type_name("COL");
  verb.add_option("--limit", given->limit, "How many rows at most.")
      ->type_name("N")
      ->check([](const std::string& text) { return check_whole_number(text, 1); })
      ->capture_default_str();
  verb.add_flag("--all", given->all, "All rows, page by page.");
  program.on_run(verb, [&program, given] {
    const auto done = query(program, *given);
    if (done) return ExitCode::kOk;
    program.output.problem(done.error(), "query");
    return exit_code(done.error().code);
  });
}

}  // namespace sluice::cli
