// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/sql_runner.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "projection/engine/pg_sql_check.hpp"
#include "projection/model/condition.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

// A statement of one event that takes longer will not end well: the model stands still and says so,
// and whoever asks for its state or wants it to stop is not kept. PostgreSQL has a time of its own.
constexpr std::chrono::seconds kStatementMax{5};

class Bounded {
 public:
  explicit Bounded(Target& target) : target_(target) {
    if (target.dialect() == Dialect::kSqlite)
      target.set_deadline(std::chrono::steady_clock::now() + kStatementMax);
  }
  ~Bounded() {
    if (target_.dialect() == Dialect::kSqlite) target_.set_deadline(std::nullopt);
  }
  Bounded(const Bounded&) = delete;

 private:
  Target& target_;
};

// Its values, or what is made of them, do not fit: trying again cannot help.
bool is_of_the_event(Errc code) {
  return code == Errc::kBadRequest || code == Errc::kTooLarge;
}

template <class List, class Item>
bool contains(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

Result<std::unique_ptr<SqlRunner>> SqlRunner::open(const Model& model, Target& target) {
  std::unique_ptr<SqlRunner> runner(new SqlRunner(target));
  const std::pair<std::unique_ptr<Statement>*, const char*> own[] = {
      {&runner->savepoint_, "SAVEPOINT sluice_event"},
      {&runner->release_, "RELEASE SAVEPOINT sluice_event"}};
  for (const auto& [statement, text] : own) {
    auto prepared = target.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  for (const SqlRule& rule : model.sql_rules()) {
    auto prepared = target.prepare(rule.numbered.of(target.dialect()));
    if (prepared && target.dialect() == Dialect::kPostgres)
      if (auto fits = check_pg_change(model, rule, target); !fits) prepared = fits.error();
    if (!prepared && is_of_the_event(prepared.error().code))
      return fail(Errc::kConfig, model.file() + ":" + std::to_string(rule.text.where.line) + ":" +
                                     std::to_string(rule.text.where.column) +
                                     ": SQL: " + prepared.error().message);
    if (!prepared) return prepared.error();
    runner->steps_.push_back({&rule, std::move(*prepared), {}, false});
  }
  return runner;
}

Result<bool> SqlRunner::read(const Applied& applied) {
  const core::EventView& event = applied.event;
  bool any = false;
  touched_.clear();
  for (Step& step : steps_) {
    const SqlRule& rule = *step.rule;
    step.due = contains(rule.types, event.type) &&
               (rule.categories.empty() || contains(rule.categories, event.category));
    if (!step.due) continue;
    if (!any) extractor_.event(event, applied.is_late, applied.clock_ns);
    any = true;
    if (rule.when) {
      const auto fits = holds(*rule.when, extractor_);
      if (!fits) return fits.error();
      step.due = *fits;
    }
    if (!step.due) continue;
    step.values.clear();
    for (const SqlRule::Argument& argument : rule.arguments) {
      const auto value = extractor_.read(argument.source, argument.type);
      if (!value) return value.error();
      step.values.push_back(value->present() ? *value : Value::null());
    }
    for (const std::size_t table : rule.touches)
      if (!contains(touched_, table)) touched_.push_back(table);
  }
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.due; });
}

Result<void> SqlRunner::begin() {
  const auto done = savepoint_->run();
  return done ? Result<void>() : done.error();
}

Result<std::string> SqlRunner::execute() {
  std::string why;
  for (Step& step : steps_) {
    if (!step.due) continue;
    for (std::size_t i = 0; i < step.values.size(); ++i)
      step.statement->set(static_cast<int>(i + 1), step.values[i]);
    const auto done = [&] {
      const Bounded bounded(target_);
      return step.statement->run();
    }();
    if (done) continue;
    if (!is_of_the_event(done.error().code)) return done.error();
    why = "SQL of line " + std::to_string(step.rule->text.where.line) + ": " + done.error().message;
    break;
  }
  // Not prepared: PostgreSQL prepares nothing once a statement has failed.
  if (!why.empty()) SLUICE_TRY(target_.exec("ROLLBACK TO SAVEPOINT sluice_event"));
  if (const auto released = release_->run(); !released) return released.error();
  return why;
}

}  // namespace sluice::projection
