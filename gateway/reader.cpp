// SPDX-License-Identifier: Apache-2.0
#include "gateway/reader.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/codec/event_codec.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kStreamChunk = 32;  // rows of one storage call: bodies may be large

}  // namespace

Reader::Reader(std::filesystem::path folder, IoQueue& queue)
    : folder_(std::move(folder)), queue_(queue), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "sluiced-read");
}

Reader::~Reader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Reader::use(storage::EventLog* log) {
  const std::lock_guard lock(mutex_);
  log_ = log;
}

void Reader::lane(core::Lane lane, core::Seq from, std::size_t limit, Answer answer) {
  submit([this, lane, from, limit] { return read_lane(lane, from, limit); }, std::move(answer));
}

void Reader::stream(core::StreamName stream, std::uint64_t from, std::size_t limit, Answer answer) {
  submit(
      [this, stream = std::move(stream), from, limit] { return read_stream(stream, from, limit); },
      std::move(answer));
}

void Reader::submit(Job job, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() < kJobsMax) {
      jobs_.emplace_back(std::move(job), std::move(answer));
      wake_.notify_one();
      return;
    }
  }
  queue_.push([answer = std::move(answer)] {
    answer(fail(Errc::kBusy, "too many reads wait: try again in a moment"));
  });
}

void Reader::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    auto [job, answer] = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    queue_.push([answer = std::move(answer), page = job()]() mutable { answer(std::move(page)); });
    lock.lock();
  }
}

core::Result<void> Reader::open() {
  if (log_reader_ != nullptr) return {};
  auto opened = storage::LogReader::open(folder_);
  if (!opened) return opened.error();
  log_reader_ = std::move(*opened);
  return {};
}

core::Result<Page> Reader::read_lane(core::Lane lane, core::Seq from, std::size_t limit) {
  SLUICE_TRY(open());
  auto records =
      log_reader_->read_lane(lane, from, std::min(limit, core::limits::kReaderRows), kPageBytes);
  if (!records) return records.error();
  Page page{std::move(*records), from};
  if (!page.records.empty()) page.next = page.records.back().seq + 1;
  return page;
}

core::Result<Page> Reader::read_stream(const core::StreamName& stream, std::uint64_t from,
                                       std::size_t limit) {
  storage::EventLog* log = nullptr;
  {
    const std::lock_guard lock(mutex_);
    log = log_;
  }
  if (log == nullptr) SLUICE_TRY(open());
  Page page{{}, from};
  for (std::size_t bytes = 0; page.records.size() < limit && bytes < kPageBytes;) {
    const std::size_t rows = std::min(kStreamChunk, limit - page.records.size());
    auto records = log != nullptr ? log->read_stream(stream, page.next, rows)
                                  : log_reader_->read_stream(stream, page.next, rows);
    if (!records) return records.error();
    for (storage::Record& record : *records) {
      if (bytes >= kPageBytes) break;
      const auto event = codec::decode_trusted(record.body);
      if (!event) return event.error();
      page.next = event->version + 1;
      bytes += record.body.size();
      page.records.push_back(std::move(record));
    }
    if (records->size() < rows) break;
  }
  return page;
}

}  // namespace sluice::gateway
