// SPDX-License-Identifier: Apache-2.0
#include "projection/query/query.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/decisions.hpp"
#include "projection/engine/parked_book.hpp"
#include "projection/engine/skips.hpp"
#include "projection/engine/stamps.hpp"
#include "projection/query/cursor.hpp"
#include "projection/query/reach.hpp"
#include "projection/query/select.hpp"
#include "projection/schema/stored_model.hpp"
#include "projection/value/domain.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using Clock = std::chrono::steady_clock;

class TargetQuery final : public Query {
 public:
  TargetQuery(const Model& model, std::unique_ptr<Target> target, ReachReader reach,
              StampReader stamps)
      : target_(std::move(target)),
        reach_(std::move(reach)),
        stamps_(std::move(stamps)),
        tables_(query_tables(model)) {}

  const std::vector<QueryTable>& tables() const override { return tables_; }
  Result<QueryPage> run(const QueryRequest& request, std::chrono::milliseconds deadline) override;
  Result<ParkedEvent> parked_event(const core::Identity& event,
                                   std::chrono::milliseconds deadline) override;
  Result<Decided> decided(std::chrono::milliseconds deadline) override;

 private:
  // Runs `work` upon one instant of the database.
  template <class Work>
  auto within(std::chrono::milliseconds deadline, const Work& work) -> decltype(work());
  Result<QueryPage> read(const QueryTable& table, const QueryRequest& request,
                         const Select& select);
  Result<void> read_rows(const QueryTable& table, const QueryRequest& request, const Select& select,
                         QueryPage& page);
  Result<std::uint64_t> count(const Select& select);

  std::unique_ptr<Target> target_;
  ReachReader reach_;  // these end before the target
  StampReader stamps_;
  std::vector<QueryTable> tables_;
};

void bind(Statement& statement, const std::vector<Cell>& values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    statement.set(static_cast<int>(i) + 1, view_of(values[i]));
}

// What a view computes has another form in each database (a mean of 75 is 75.0 in one, numeric 75
// in the other): a column that says its type has that form, another one writes whole numbers as
// such.
Cell as_declared(Cell cell, std::optional<Type> type) {
  constexpr double kExact = 9007199254740992;  // above, not every whole number is a double
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
    if (type == Type::kReal) return static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    if (type != Type::kReal && std::abs(*real) <= kExact && std::trunc(*real) == *real)
      return static_cast<std::int64_t>(*real);
  }
  return cell;
}

std::string no_table(const std::string& name, const std::vector<QueryTable>& tables) {
  std::string known;
  for (const QueryTable& table : tables) known += (known.empty() ? "" : ", ") + table.name;
  return "the model has no table '" + core::printable(name) + "'; it has " + known;
}

Result<QueryPage> TargetQuery::run(const QueryRequest& request,
                                   std::chrono::milliseconds deadline) {
  const auto table = std::find_if(tables_.begin(), tables_.end(), [&](const QueryTable& item) {
    return item.name == request.table;
  });
  if (table == tables_.end())
    return fail(Errc::kNotFound, no_table(request.table, tables_), "table");
  const auto select = make_select(*table, request, target_->dialect());
  if (!select) return select.error();
  return within(deadline, [&] { return read(*table, request, *select); });
}

template <class Work>
auto TargetQuery::within(std::chrono::milliseconds deadline, const Work& work) -> decltype(work()) {
  const auto end = Clock::now() + deadline;
  target_->set_deadline(end);
  auto answer = [&]() -> decltype(work()) {
    auto transaction = Transaction::begin(*target_, Begin::kSnapshot);
    if (!transaction) return transaction.error();
    return work();
  }();
  target_->set_deadline(std::nullopt);
  if (!answer && answer.error().code == Errc::kLimit && Clock::now() >= end)
    return fail(Errc::kLimit, "the query took longer than " + std::to_string(deadline.count()) +
                                  " ms; narrow it");
  return answer;
}

Result<ParkedEvent> TargetQuery::parked_event(const core::Identity& event,
                                              std::chrono::milliseconds deadline) {
  return within(deadline, [&] { return ParkedBook(*target_).event(event); });
}

Result<Query::Decided> TargetQuery::decided(std::chrono::milliseconds deadline) {
  return within(deadline, [&]() -> Result<Decided> {
    auto decisions = Decisions::read(*target_);
    if (!decisions) return decisions.error();
    auto skipped = Skips::read(*target_);
    if (!skipped) return skipped.error();
    return Decided{std::move(*decisions), std::move(*skipped)};
  });
}

// Rows, count, positions, state and gate.
Result<QueryPage> TargetQuery::read(const QueryTable& table, const QueryRequest& request,
                                    const Select& select) {
  QueryPage page;
  page.columns = select.columns;
  auto positions = reach_.positions();
  if (!positions) return positions.error();
  page.positions = std::move(*positions);
  const auto last_event = reach_.last_event_ns();
  if (!last_event) return last_event.error();
  page.last_event_ns = *last_event;
  for (const core::Identity& event : request.after) {
    const auto reached = reach_.reached(event);
    if (!reached) return reached.error();
    page.after.push_back(*reached);
  }
  if (!page.is_reached()) return page;
  const auto stamps = stamps_.read();
  if (!stamps) return stamps.error();
  page.state = table.view ? state_of(*stamps) : state_of(*stamps, table.name);
  page.is_known = request.unless && request.unless(page.state);
  if (page.is_known) return page;
  SLUICE_TRY(read_rows(table, request, select, page));
  if (request.count) {
    const auto rows = count(select);
    if (!rows) return rows.error();
    page.count = *rows;
  }
  return page;
}

Result<std::uint64_t> TargetQuery::count(const Select& select) {
  const auto statement = target_->prepare(select.count_text);
  if (!statement) return statement.error();
  bind(**statement, select.values, select.count_values);
  const Statement::Resetting resetting{**statement};
  const auto row = (*statement)->step();
  if (!row) return row.error();
  return static_cast<std::uint64_t>((*statement)->integer(0));
}

Result<void> TargetQuery::read_rows(const QueryTable& table, const QueryRequest& request,
                                    const Select& select, QueryPage& page) {
  const auto statement = target_->prepare(select.text);
  if (!statement) return statement.error();
  Statement& rows = **statement;
  bind(rows, select.values, select.values.size());
  const Statement::Resetting resetting{rows};
  const int fields = static_cast<int>(page.columns.size());
  std::vector<Cell> last;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return {};
    if (page.rows.size() == request.limit) break;
    std::vector<Cell>& cells = page.rows.emplace_back();
    for (int i = 0; i < fields; ++i) {
      Cell cell = within_domain(cell_of(rows.value(i)));
      const auto& type = page.columns[static_cast<std::size_t>(i)].type;
      cells.push_back(table.view ? as_declared(std::move(cell), type) : std::move(cell));
    }
    if (page.rows.size() < request.limit) continue;
    for (std::size_t i = 0; i < select.order.size(); ++i)
      last.push_back(cell_of(rows.value(fields + static_cast<int>(i))));
  }
  if (table.view) {
    std::int64_t before = 0;
    if (!request.cursor.empty())
      if (const auto cursor = read_cursor(request, 1))
        before = std::get<std::int64_t>((*cursor)[0]);
    last = {before + static_cast<std::int64_t>(page.rows.size())};
  }
  page.next_cursor = write_cursor(request, last);
  return {};
}

}  // namespace

bool QueryPage::is_reached() const {
  return std::all_of(after.begin(), after.end(),
                     [](const Reached& event) { return event.is_reached(); });
}

std::vector<QueryTable> query_tables(const Model& model) {
  std::vector<QueryTable> tables;
  for (const Table& table : model.tables()) {
    QueryTable out{table.name, false, {}};
    for (const Column& key : table.key) out.columns.push_back({key.name, key.type, true});
    for (const Column& column : table.columns)
      out.columns.push_back({column.name, column.type, false});
    tables.push_back(std::move(out));
  }
  for (const View& view : model.views()) {
    QueryTable out{view.name, true, {}};
    for (const std::string& name : view.columns) {
      const auto typed = std::find_if(view.types.begin(), view.types.end(),
                                      [&](const auto& item) { return item.first == name; });
      out.columns.push_back(
          {name, typed == view.types.end() ? std::nullopt : std::optional(typed->second), false});
    }
    tables.push_back(std::move(out));
  }
  return tables;
}

Result<std::unique_ptr<Query>> Query::open(std::shared_ptr<const Model> model, const Place& place) {
  auto target = Target::open(place, Access::kRead);
  if (!target) return target.error();
  SLUICE_TRY(check_stored_model(**target, *model));
  auto reach = ReachReader::prepare(**target);
  if (!reach) return reach.error();
  auto stamps = StampReader::prepare(**target);
  if (!stamps) return stamps.error();
  (*target)->allow_only_selects();
  return std::unique_ptr<Query>(std::make_unique<TargetQuery>(
      *model, std::move(*target), std::move(*reach), std::move(*stamps)));
}

}  // namespace sluice::projection
