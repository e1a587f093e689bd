// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/faulty_target.hpp"

namespace sluice::test {
namespace {

using core::Result;
using projection::Cell;

// Runs `work` unless the plan says otherwise.
template <class Work>
auto guarded(const FaultPlan& plan, const Work& work) -> decltype(work()) {
  const Fault fault = plan();
  const auto failed = [] { return core::fail(core::Errc::kIo, "a fault of the test"); };
  if (fault == Fault::kFails) return failed();
  auto done = work();
  if (fault == Fault::kDoneButFails) return failed();
  return done;
}

class FaultyStatement final : public projection::Statement {
 public:
  FaultyStatement(std::unique_ptr<projection::Statement> inner, const FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  Statement& set(int parameter, const projection::Value& value) override {
    inner_->set(parameter, value);
    return *this;
  }
  Result<bool> step() override {
    return guarded(plan_, [&] { return inner_->step(); });
  }
  Result<std::uint64_t> run() override {
    return guarded(plan_, [&] { return inner_->run(); });
  }
  Result<void> post() override {
    return guarded(plan_, [&] { return inner_->post(); });
  }
  void reset() override { inner_->reset(); }
  projection::Value value(int column) const override { return inner_->value(column); }
  int columns() const override { return inner_->columns(); }

 private:
  std::unique_ptr<projection::Statement> inner_;
  const FaultPlan& plan_;
};

class FaultyRows final : public projection::RowStore {
 public:
  FaultyRows(std::unique_ptr<projection::RowStore> inner, const FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  Result<void> load(std::span<Cell* const> rows, std::vector<bool>& found) override {
    return guarded(plan_, [&] { return inner_->load(rows, found); });
  }
  Result<void> store(std::span<const Cell* const> rows) override {
    return guarded(plan_, [&] { return inner_->store(rows); });
  }
  Result<void> erase(std::span<const Cell* const> keys) override {
    return guarded(plan_, [&] { return inner_->erase(keys); });
  }

 private:
  std::unique_ptr<projection::RowStore> inner_;
  const FaultPlan& plan_;
};

class FaultyTarget final : public projection::Target {
 public:
  FaultyTarget(std::unique_ptr<projection::Target> inner, FaultPlan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}
  const projection::Place& place() const override { return inner_->place(); }
  Result<std::vector<std::string>> tables() override { return inner_->tables(); }
  Result<void> exec(const std::string& sql) override {
    return guarded(plan_, [&] { return inner_->exec(sql); });
  }
  Result<std::unique_ptr<projection::Statement>> prepare(std::string_view sql) override {
    auto made = inner_->prepare(sql);
    if (!made) return made;
    return std::unique_ptr<projection::Statement>(
        std::make_unique<FaultyStatement>(std::move(*made), plan_));
  }
  Result<std::unique_ptr<projection::RowStore>> rows(const projection::TableShape& shape) override {
    auto made = inner_->rows(shape);
    if (!made) return made;
    return std::unique_ptr<projection::RowStore>(
        std::make_unique<FaultyRows>(std::move(*made), plan_));
  }
  // One that was begun without our knowing has gone with its connection.
  Result<void> begin(projection::Begin how) override {
    if (plan_() != Fault::kNone) return core::fail(core::Errc::kIo, "a fault of the test");
    return inner_->begin(how);
  }
  Result<void> commit() override {
    return guarded(plan_, [&] { return inner_->commit(); });
  }
  void rollback() override { inner_->rollback(); }
  Result<void> lock(std::span<const std::string> names) override {
    return guarded(plan_, [&] { return inner_->lock(names); });
  }
  Result<void> claim() override { return inner_->claim(); }
  std::uint64_t session() const override { return inner_->session(); }
  void allow_only_selects() override { inner_->allow_only_selects(); }
  void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) override {
    inner_->set_deadline(deadline);
  }

 private:
  std::unique_ptr<projection::Target> inner_;
  FaultPlan plan_;
};

}  // namespace

std::unique_ptr<projection::Target> faulty_target(std::unique_ptr<projection::Target> inner,
                                                  FaultPlan plan) {
  return std::make_unique<FaultyTarget>(std::move(inner), std::move(plan));
}

}  // namespace sluice::test
