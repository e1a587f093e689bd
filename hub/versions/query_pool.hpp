// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "projection/query/query.hpp"

namespace sluice::hub {

// A few readers of one database, so that a slow query does not stop the others. They are opened
// when they are needed and kept. Any thread.
class QueryPool {
 public:
  static constexpr std::size_t kReadersMax = 4;
  using Open = std::function<core::Result<std::unique_ptr<projection::Query>>()>;

  // The first reader is opened at once: what is wrong with the database is said here.
  static core::Result<std::unique_ptr<QueryPool>> open(Open open);

  const std::vector<projection::QueryTable>& tables() const { return tables_; }
  // As Query::run, with the time until a reader was free; kLimit also if none was in that time.
  core::Result<projection::QueryPage> run(const projection::QueryRequest& request,
                                          std::chrono::milliseconds deadline);
  // As Query's of these names, and kLimit as run().
  core::Result<projection::ParkedEvent> parked_event(const core::Identity& event,
                                                     std::chrono::milliseconds deadline);
  core::Result<projection::Query::Decided> decided(std::chrono::milliseconds deadline);

 private:
  template <class Work>
  auto with_reader(std::chrono::milliseconds deadline, const Work& work);
  explicit QueryPool(Open open) : open_(std::move(open)) {}
  core::Result<std::unique_ptr<projection::Query>> take(std::chrono::milliseconds deadline);
  void give(std::unique_ptr<projection::Query> reader);

  const Open open_;
  std::vector<projection::QueryTable> tables_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<projection::Query>> idle_;
  std::size_t readers_ = 0;
};

}  // namespace sluice::hub
