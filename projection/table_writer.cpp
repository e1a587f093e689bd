// SPDX-License-Identifier: Apache-2.0
#include "projection/table_writer.hpp"

#include <algorithm>

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr int kConstraint = 19;  // SQLITE_CONSTRAINT, whichever kind

void bind(sqlite::Statement& statement, std::size_t parameter, const Value& value) {
  const int number = static_cast<int>(parameter);
  switch (value.kind) {
    case Value::Kind::kInt:
      statement.bind(number, value.integer);
      break;
    case Value::Kind::kReal:
      statement.bind(number, value.real);
      break;
    case Value::Kind::kText:
      statement.bind(number, value.text);
      break;
    case Value::Kind::kBytes:
      statement.bind_blob(number, value.text);
      break;
    default:
      statement.bind_null(number);
  }
}

// An operation without a value takes no part, but for `latest`, whose columns all come from one
// event, and `set`, which may set NULL on purpose.
bool takes_part(const Operation& operation, const Value& value) {
  switch (operation.op) {
    case Operator::kLatest:
      return true;
    case Operator::kSet:
      return value.present();
    default:
      return value.present() && value.kind != Value::Kind::kNull;
  }
}

}  // namespace

TableWriter::TableWriter(const Model& model, sqlite::Database& database) : database_(database) {
  for (const Table& table : model.tables())
    for (const Rule& rule : table.rules) {
      auto bound = std::make_unique<Bound>();
      bound->table = &table;
      bound->rule = &rule;
      bound->can_overflow =
          std::any_of(rule.operations.begin(), rule.operations.end(),
                      [](const Operation& operation) { return operation.op == Operator::kInc; });
      for (const std::string& type : rule.types) by_type_[type].push_back(bound.get());
      bounds_.push_back(std::move(bound));
    }
}

Result<std::unique_ptr<TableWriter>> TableWriter::open(const Model& model,
                                                       sqlite::Database& database) {
  std::unique_ptr<TableWriter> writer(new TableWriter(model, database));
  SLUICE_TRY(writer->prepare());
  return writer;
}

Result<void> TableWriter::prepare() {
  const std::pair<sqlite::Statement*, const char*> all[] = {
      {&savepoint_, "SAVEPOINT event"},
      {&release_, "RELEASE event"},
      {&rollback_, "ROLLBACK TO event"},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = database_.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  // Each rule's usual statement, so that a mistake shows at open and not at the first event.
  for (const auto& bound : bounds_)
    if (auto made = statement(*bound, sql::all_operations(*bound->rule), false); !made)
      return made.error();
  return {};
}

Result<TableWriter::Prepared*> TableWriter::statement(Bound& bound, sql::Mask mask, bool is_late) {
  auto& list = is_late ? bound.prepared_late : bound.prepared;
  for (const auto& [known, prepared] : list)
    if (known == mask) return prepared.get();
  auto made = std::make_unique<Prepared>();
  made->change = sql::change(*bound.table, *bound.rule, mask, is_late);
  if (!made->change.text.empty()) {
    auto statement = database_.prepare(made->change.text);
    if (!statement) return statement.error();
    made->statement = std::move(*statement);
    std::size_t number = bound.table->key.size() + bound.rule->operations.size() + 3;
    for (const Cell& fallback : made->change.fallbacks)
      bind(made->statement, ++number, view_of(fallback));
  }
  list.emplace_back(mask, std::move(made));
  return list.back().second.get();
}

Result<std::string> TableWriter::run(const Applied& applied) {
  const core::EventView& event = applied.event;
  const auto found = by_type_.find(event.type);
  if (found == by_type_.end()) return std::string();
  extractor_.event(event, applied.is_late, applied.clock_ns);
  epoch_order_ = applied.epoch_order;
  std::size_t count = 0;
  for (Bound* bound : found->second) {
    const auto& categories = bound->rule->categories;
    if (!categories.empty() &&
        std::find(categories.begin(), categories.end(), event.category) == categories.end())
      continue;
    if (steps_.size() == count) steps_.emplace_back();
    Step& step = steps_[count++];
    step.bound = bound;
    step.is_late = applied.is_late;
    // All values of the event are read before anything is written.
    if (const auto done = extract(step); !done) {
      if (done.error().code != Errc::kBadRequest) return done.error();
      return "table " + bound->table->name + ": " + done.error().message;
    }
  }
  return execute_all(count);
}

Result<void> TableWriter::extract(Step& step) {
  const Table& table = *step.bound->table;
  step.key.clear();
  step.values.clear();
  step.mask = 0;
  for (const Column& key : table.key) {
    const auto value = extractor_.read(key.source, key.type);
    if (!value) return value.error();
    if (!value->present() || value->kind == Value::Kind::kNull)
      return fail(Errc::kBadRequest, "the key's field " + key.source.text + " is missing",
                  key.source.text);
    step.key.push_back(*value);
  }
  const auto& operations = step.bound->rule->operations;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto value =
        extractor_.read(operations[i].source, table.columns[operations[i].column].type);
    if (!value) return value.error();
    step.values.push_back(*value);
    // What a late event is older than cannot be told where several gateways feed a row.
    if (step.is_late && table.shared && operations[i].op == Operator::kLatest) continue;
    if (takes_part(operations[i], *value)) step.mask |= sql::Mask{1} << i;
  }
  return {};
}

Result<std::string> TableWriter::execute_all(std::size_t count) {
  // A statement undoes itself when a sum leaves the domain; only what went before needs more.
  const bool guarded = std::any_of(steps_.begin() + (count == 0 ? 0 : 1),
                                   steps_.begin() + static_cast<std::ptrdiff_t>(count),
                                   [](const Step& step) { return step.bound->can_overflow; }) &&
                       count > 1;
  if (guarded) SLUICE_TRY(savepoint_.run());
  std::string why;
  for (std::size_t i = 0; i < count && why.empty(); ++i) {
    auto done = execute(steps_[i]);
    if (!done) return done.error();
    why = std::move(*done);
  }
  if (guarded && !why.empty()) SLUICE_TRY(rollback_.run());
  if (guarded) SLUICE_TRY(release_.run());
  return why;
}

Result<std::string> TableWriter::execute(Step& step) {
  auto prepared = statement(*step.bound, step.mask, step.is_late);
  if (!prepared) return prepared.error();
  sqlite::Statement& statement = (*prepared)->statement;
  if (!statement) return std::string();
  std::size_t number = 0;
  for (const Value& value : step.key) bind(statement, ++number, value);
  for (std::size_t i = 0; i < step.values.size(); ++i) {
    ++number;
    if ((step.mask >> i & 1) != 0) bind(statement, number, step.values[i]);
  }
  if ((*prepared)->change.uses_time) {
    statement.bind(static_cast<int>(number + 1), extractor_.time());
    statement.bind_blob(static_cast<int>(number + 2), extractor_.tie_break());
  }
  if ((*prepared)->change.uses_order) statement.bind(static_cast<int>(number + 3), epoch_order_);
  if (const auto done = statement.run(); !done) {
    if ((database_.extended_code() & 0xff) != kConstraint) return done.error();
    return "table " + step.bound->table->name + ": a column would leave its domain (" +
           done.error().message + ")";
  }
  return std::string();
}

}  // namespace sluice::projection
