// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/query_pool.hpp"

#include <algorithm>
#include <utility>

namespace sluice::hub {

using core::Errc;
using core::Result;
using projection::Query;

Result<std::unique_ptr<QueryPool>> QueryPool::open(Open open) {
  std::unique_ptr<QueryPool> pool(new QueryPool(std::move(open)));
  auto first = pool->open_();
  if (!first) return first.error();
  pool->tables_ = (*first)->tables();
  pool->readers_ = 1;
  pool->idle_.push_back(std::move(*first));
  return pool;
}

Result<std::unique_ptr<Query>> QueryPool::take(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  const bool in_time =
      free_.wait_for(lock, deadline, [this] { return !idle_.empty() || readers_ < kReadersMax; });
  if (!in_time) return core::fail(Errc::kLimit, "too many slow queries at once; ask again later");
  if (!idle_.empty()) {
    auto reader = std::move(idle_.back());
    idle_.pop_back();
    return reader;
  }
  ++readers_;
  lock.unlock();
  auto reader = open_();
  if (reader) return reader;
  lock.lock();
  --readers_;
  free_.notify_one();
  return reader.error();
}

void QueryPool::give(std::unique_ptr<Query> reader) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(reader));
  free_.notify_one();
}

template <class Work>
auto QueryPool::with_reader(std::chrono::milliseconds deadline, const Work& work) {
  using Answer = decltype(work(std::declval<Query&>(), deadline));
  const auto end = std::chrono::steady_clock::now() + deadline;
  auto reader = take(deadline);
  if (!reader) return Answer(reader.error());
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  auto answer = work(**reader, std::max(left, std::chrono::milliseconds(1)));
  give(std::move(*reader));
  return answer;
}

Result<projection::QueryPage> QueryPool::run(const projection::QueryRequest& request,
                                             std::chrono::milliseconds deadline) {
  return with_reader(deadline, [&](Query& reader, auto left) { return reader.run(request, left); });
}

Result<projection::ParkedEvent> QueryPool::parked_event(const core::Identity& event,
                                                        std::chrono::milliseconds deadline) {
  return with_reader(deadline,
                     [&](Query& reader, auto left) { return reader.parked_event(event, left); });
}

Result<Query::Decided> QueryPool::decided(std::chrono::milliseconds deadline) {
  return with_reader(deadline, [&](Query& reader, auto left) { return reader.decided(left); });
}

}  // namespace sluice::hub
