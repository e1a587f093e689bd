// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>

// The operating system's file calls, seen and made to fail. A program that has libc_calls.cpp in it
// defines open(2), pwrite(2), fdatasync(2) ... itself, so that its own code, SQLite and the C++
// library all come through here on their way to the kernel.
namespace sluice::lab {

enum class CallKind { kOpen, kWrite, kSync, kTruncate, kUnlink, kRename, kMkdir };
std::string_view call_name(CallKind kind);

struct FileCall {
  CallKind kind = CallKind::kOpen;
  int fd = -1;  // all but unlink, rename, mkdir; of open: -1 before, the new one after
  const char* path = nullptr;   // open, unlink, rename, mkdir
  const char* to = nullptr;     // rename
  int flags = 0;                // open
  bool made_file = false;       // open, after: the file was not there before
  const void* bytes = nullptr;  // write
  std::size_t size = 0;         // write, truncate: the new size
  off_t at = 0;                 // write
};

// Both are called on the thread that makes the call; several may at once.
class CallHook {
 public:
  virtual ~CallHook() = default;
  // 0: let it happen. An errno: the kernel never hears of it, and the caller is told this error.
  virtual int before(const FileCall& call) = 0;
  // It happened and succeeded.
  virtual void after(const FileCall& call) = 0;
  virtual void closed(int fd) = 0;
};

// Two hooks that both hear of everything; the first may make a call fail.
class BothHooks final : public CallHook {
 public:
  BothHooks(CallHook& first, CallHook& second) : first_(first), second_(second) {}
  int before(const FileCall& call) override { return first_.before(call); }
  void after(const FileCall& call) override {
    first_.after(call);
    second_.after(call);
  }
  void closed(int fd) override {
    first_.closed(fd);
    second_.closed(fd);
  }

 private:
  CallHook& first_;
  CallHook& second_;
};

// One at a time for the whole process; nullptr: none. It must outlive its use.
void set_call_hook(CallHook* hook);

// While it lives, the hook is set; afterwards there is none.
class HookedCalls {
 public:
  explicit HookedCalls(CallHook& hook) { set_call_hook(&hook); }
  HookedCalls(const HookedCalls&) = delete;
  ~HookedCalls() { set_call_hook(nullptr); }
};

}  // namespace sluice::lab
