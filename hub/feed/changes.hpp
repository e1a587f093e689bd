// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "projection/engine/engine.hpp"

namespace sluice::hub {

// What one commit did to a model's rows.
struct ChangeBatch {
  std::vector<projection::RowChange> rows;
  std::vector<std::string> touched;  // tables that changed in ways that `rows` does not tell
  bool everything = false;           // any table may have
  bool empty() const { return rows.empty() && touched.empty() && !everything; }
};

// The newest changes of one version of a model, in memory, for those who watch it: a ring that
// forgets its oldest batches, and a bell. Any thread.
class Changes {
 public:
  static constexpr std::size_t kCellsMax = 500'000;  // in the ring, all batches together

  Changes();

  // After each commit through the engine, also one that moved the gate alone, and before anybody is
  // told that it is done.
  void committed(ChangeBatch batch);
  // Others changed these tables in the database.
  void by_others(const std::set<std::string>& tables);
  // This version is not the one that answers any more: whoever watches looks for the new one.
  void end();

  // Who this is: another in each process and version, so that a number is of one life only.
  const std::string& instance() const { return instance_; }
  // The number that the next batch will have.
  std::uint64_t next() const;
  struct Slice {
    bool lost = false;  // `from` was forgotten, or is not of this life
    std::vector<std::shared_ptr<const ChangeBatch>> batches;
    std::uint64_t next = 0;  // where to go on
  };
  Slice read(std::uint64_t from, std::size_t batches_max) const;

  // `bell` is called after each commit and at the end, without locks, for as long as somebody keeps
  // what comes back. It must be quick.
  using Bell = std::function<void()>;
  [[nodiscard]] std::shared_ptr<void> listen(Bell bell);

 private:
  void ring();

  const std::string instance_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const ChangeBatch>> batches_;
  std::uint64_t first_ = 1;  // number of batches_.front()
  std::size_t cells_ = 0;
  std::vector<std::weak_ptr<Bell>> bells_;
};

// What `outcome` changed in a model, whose engine reports changes. SQL of the model's own writes
// rows that nobody counts: any event may have changed all that it touches.
ChangeBatch changes_of(const projection::Model& model, projection::BatchOutcome& outcome);

}  // namespace sluice::hub
