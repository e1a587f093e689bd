// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "tests/lab/replay/disk_model.hpp"
#include "tests/lab/replay/libc_calls.hpp"

namespace sluice::lab {

// Writes down every operation that changes the files under one folder. SQLite's -shm files are left
// out: nobody relies on them after a restart. Any thread.
class Recorder final : public CallHook {
 public:
  // `before` is what the folder holds now, with the ids that DiskModel(before) gives to it.
  Recorder(std::filesystem::path root, const Tree& before);

  // The operations; for when the recording is over.
  std::deque<DiskOp> take_ops() { return std::move(ops_); }
  std::size_t size() const;

  // Asked before each call on the folder, -shm files included: an errno to make it fail, else 0. A
  // failed call is no operation. May replace itself.
  std::function<int(const FileCall&)> fault;

  int before(const FileCall& call) override;
  void after(const FileCall& call) override;
  void closed(int fd) override;

 private:
  struct Opened {
    FileId file = 0;
    std::string path;  // of a folder
    bool is_shm = false;
  };
  bool ours(const FileCall& call) const;
  std::string relative(const char* path) const;
  void opened(const FileCall& call);

  const std::string root_;
  mutable std::mutex mutex_;
  std::deque<DiskOp> ops_;
  std::unordered_map<int, Opened> fds_;
  std::unordered_map<std::string, FileId> names_;  // as the program sees them
  FileId next_ = 0;
};

}  // namespace sluice::lab
