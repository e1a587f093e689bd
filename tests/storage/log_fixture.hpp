// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/codec/event_codec.hpp"
#include "core/random.hpp"
#include "storage/event_log.hpp"
#include "storage/log_reader.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::storage {

// As core::ManualClock, for several threads.
class SteppedClock final : public core::Clock {
 public:
  std::int64_t wall_ns() const override { return wall_; }
  std::uint64_t monotonic_ns() const override { return monotonic_; }
  core::Uuid boot() const override { return core::Uuid{{boot_.load()}}; }
  bool trusted() const override { return true; }
  void advance(std::chrono::milliseconds by) {
    wall_ += by.count() * 1'000'000;
    monotonic_ += static_cast<std::uint64_t>(by.count()) * 1'000'000;
  }
  void reboot() {
    ++boot_;
    monotonic_ = 5'000'000'000;
  }

 private:
  std::atomic<std::int64_t> wall_{1'790'000'000'000'000'000};
  std::atomic<std::uint64_t> monotonic_{1'000'000'000};
  std::atomic<std::uint8_t> boot_{1};
};

// Remembers the lines, so that a test can ask what an operator would have seen.
class KeptLogger final : public core::Logger {
 public:
  void write(Level level, std::string_view component, std::string_view message,
             Fields fields) override;
  bool saw(std::string_view words) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

NewEvent make_event(const std::string& stream, const std::string& type = "Measured",
                    const std::string& data = std::string("\xc0", 1));
core::Uuid make_id(std::uint64_t n);

using test::eventually;

class LogTest : public ::testing::Test {
 protected:
  // Commits at once and has small segments unless a test says otherwise.
  LogTest();

  EventLog::Options options() const;
  core::Result<std::unique_ptr<EventLog>> try_open();
  void open();  // a failure ends the test
  void close() { log.reset(); }
  void reopen() {
    close();
    open();
  }

  using Answer = core::Result<std::vector<Appended>>;
  Answer append(AppendRequest request);
  Answer append(NewEvent event);
  Appended must_append(NewEvent event);
  void append_many(std::size_t count, const std::string& stream = "pump/7");
  core::Result<void> rewind(core::Lane lane, core::Seq acked);
  core::Result<void> set_aside(core::Lane lane, SetAside range);
  void ack(core::Lane lane, core::Seq acked);  // and waits until the log says so

  std::unique_ptr<LogReader> reader();
  // All of a lane, decoded names and seqs checked to be gapless; bodies in order.
  std::vector<Record> read_all(core::Lane lane);
  std::size_t segment_files(core::Lane lane) const;
  std::vector<std::filesystem::path> segment_paths(core::Lane lane) const;

  test::TempDir scratch;
  LogSettings settings;
  LaneMap lane_map;
  std::string gateway = "plant-7";
  std::string vfs;
  std::function<bool()> read_only;
  SteppedClock clock;
  core::SystemRandom random;
  KeptLogger logger;
  std::unique_ptr<EventLog> log;
};

}  // namespace sluice::storage
