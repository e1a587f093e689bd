// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/changes.hpp"

#include <algorithm>

#include "core/random.hpp"

namespace sluice::hub {

namespace {

std::string new_instance() {
  core::SystemRandom random;
  return core::Epoch{random.below(~std::uint64_t{0})}.text().substr(0, 12);
}

std::size_t cells_of(const ChangeBatch& batch) {
  std::size_t cells = 1;
  for (const projection::RowChange& row : batch.rows) cells += row.cells.size();
  return cells;
}

}  // namespace

Changes::Changes() : instance_(new_instance()) {}

void Changes::committed(ChangeBatch batch) {
  if (!batch.empty()) {
    const std::lock_guard lock(mutex_);
    cells_ += cells_of(batch);
    batches_.push_back(std::make_shared<const ChangeBatch>(std::move(batch)));
    while (cells_ > kCellsMax && !batches_.empty()) {
      cells_ -= cells_of(*batches_.front());
      batches_.pop_front();
      ++first_;
    }
  }
  ring();
}

void Changes::by_others(const std::set<std::string>& tables) {
  if (!tables.empty()) committed({{}, {tables.begin(), tables.end()}, false});
}

void Changes::end() {
  ring();
}

void Changes::ring() {
  std::vector<std::shared_ptr<Bell>> bells;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(bells_, [](const auto& bell) { return bell.expired(); });
    for (const auto& bell : bells_)
      if (auto held = bell.lock()) bells.push_back(std::move(held));
  }
  for (const auto& bell : bells) (*bell)();
}

std::uint64_t Changes::next() const {
  const std::lock_guard lock(mutex_);
  return first_ + batches_.size();
}

Changes::Slice Changes::read(std::uint64_t from, std::size_t batches_max) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t end = first_ + batches_.size();
  Slice out;
  out.lost = from < first_ || from > end;
  out.next = out.lost ? end : from;
  if (out.lost) return out;
  for (; out.next < end && out.batches.size() < batches_max; ++out.next)
    out.batches.push_back(batches_[out.next - first_]);
  return out;
}

std::shared_ptr<void> Changes::listen(Bell bell) {
  auto held = std::make_shared<Bell>(std::move(bell));
  const std::lock_guard lock(mutex_);
  bells_.push_back(held);
  return held;
}

ChangeBatch changes_of(const projection::Model& model, projection::BatchOutcome& outcome) {
  ChangeBatch out;
  out.everything = outcome.changes_cut;
  if (!out.everything) out.rows = std::move(outcome.changes);
  if (outcome.applied == 0) return out;
  for (const projection::SqlRule& rule : model.sql_rules())
    for (const std::size_t table : rule.touches) out.touched.push_back(model.tables()[table].name);
  return out;
}

}  // namespace sluice::hub
