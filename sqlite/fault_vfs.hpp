// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::sqlite {

// A file layer for tests: the system's own, but `decide` may let any operation fail. Named in
// OpenOptions::vfs. Must outlive every connection that uses it.
class FaultVfs {
 public:
  enum class Operation { kOpen, kWrite, kSync, kTruncate, kDelete };
  enum class Fault {
    kNone,
    kIoError,       // nothing was done, and SQLite is told so
    kDoneButFails,  // done in truth, but SQLite is told that it failed
    kDiskFull,
  };
  // Called on the connection's thread; `file` is the path. Must be safe from several threads.
  using Decide = std::function<Fault(Operation, std::string_view file)>;

  FaultVfs(std::string name, Decide decide);
  FaultVfs(const FaultVfs&) = delete;
  ~FaultVfs();

  const std::string& name() const { return name_; }
  Fault decide(Operation operation, std::string_view file) const {
    return decide_(operation, file);
  }

 private:
  struct Vfs;
  std::string name_;
  Decide decide_;
  std::unique_ptr<Vfs> vfs_;
};

}  // namespace sluice::sqlite
