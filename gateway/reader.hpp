// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "gateway/io_queue.hpp"
#include "storage/event_log.hpp"
#include "storage/log_reader.hpp"

namespace sluice::gateway {

// One page of a stream or lane, oldest first.
struct Page {
  std::vector<storage::Record> records;
  std::uint64_t next = 0;  // where the page after it begins: a version, or a seq
};

// The thread "sluiced-read": reads pages of the log, so that a slow card delays readers only and
// never an append. Call from the I/O thread; answers come there too.
class Reader {
 public:
  using Answer = std::function<void(core::Result<Page>)>;
  static constexpr std::size_t kPageBytes = 1u << 20;  // and then the event that passes it
  static constexpr std::size_t kJobsMax = 256;

  Reader(std::filesystem::path folder, IoQueue& queue);
  ~Reader();

  // With the running log, streams are found without a scan. nullptr: no longer.
  void use(storage::EventLog* log);

  // kBusy: too many reads wait. kNotFound: there is no log yet.
  void lane(core::Lane lane, core::Seq from, std::size_t limit, Answer answer);
  void stream(core::StreamName stream, std::uint64_t from, std::size_t limit, Answer answer);

 private:
  using Job = std::function<core::Result<Page>()>;
  void submit(Job job, Answer answer);
  void run();
  core::Result<Page> read_lane(core::Lane lane, core::Seq from, std::size_t limit);
  core::Result<Page> read_stream(const core::StreamName& stream, std::uint64_t from,
                                 std::size_t limit);
  core::Result<void> open();

  const std::filesystem::path folder_;
  IoQueue& queue_;
  std::unique_ptr<storage::LogReader> log_reader_;  // the thread's own

  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  std::deque<std::pair<Job, Answer>> jobs_;
  storage::EventLog* log_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::gateway
