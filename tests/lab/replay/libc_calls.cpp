// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/libc_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace sluice::lab {
namespace {

std::atomic<CallHook*> current_hook{nullptr};

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Does the call unless the hook has it fail, and tells the hook when it is done.
template <class Do>
auto perform(FileCall& call, Do&& act) -> decltype(act()) {
  CallHook* hook = current_hook.load(std::memory_order_acquire);
  if (hook == nullptr) return act();
  if (const int error = hook->before(call); error != 0) {
    errno = error;
    return -1;
  }
  const auto result = act();
  if (result >= 0) {
    const int kept = errno;
    hook->after(call);
    errno = kept;
  }
  return result;
}

int open_file(const char* path, int flags, mode_t mode) {
  static const auto next = real<int(const char*, int, ...)>("open64");
  FileCall call;
  call.kind = CallKind::kOpen;
  call.path = path;
  call.flags = flags;
  struct stat info {};
  if ((flags & O_CREAT) != 0 && current_hook.load(std::memory_order_acquire) != nullptr)
    call.made_file = ::stat(path, &info) != 0;
  return perform(call, [&] { return call.fd = next(path, flags, mode); });
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int sync_file(int fd, const char* name) {
  FileCall call;
  call.kind = CallKind::kSync;
  call.fd = fd;
  return perform(call, [&] { return real<int(int)>(name)(fd); });
}

ssize_t write_at(int fd, const void* bytes, std::size_t size, off_t at) {
  static const auto next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite64");
  FileCall call;
  call.kind = CallKind::kWrite;
  call.fd = fd;
  call.bytes = bytes;
  call.size = size;
  call.at = at;
  return perform(call, [&] { return next(fd, bytes, size, at); });
}

int truncate_file(int fd, off_t size) {
  static const auto next = real<int(int, off_t)>("ftruncate64");
  FileCall call;
  call.kind = CallKind::kTruncate;
  call.fd = fd;
  call.size = static_cast<std::size_t>(size);
  return perform(call, [&] { return next(fd, size); });
}

}  // namespace

std::string_view call_name(CallKind kind) {
  switch (kind) {
    case CallKind::kOpen:
      return "open";
    case CallKind::kWrite:
      return "write";
    case CallKind::kSync:
      return "sync";
    case CallKind::kTruncate:
      return "truncate";
    case CallKind::kUnlink:
      return "unlink";
    case CallKind::kRename:
      return "rename";
    case CallKind::kMkdir:
      return "mkdir";
  }
  return "?";
}

void set_call_hook(CallHook* hook) {
  current_hook.store(hook, std::memory_order_release);
}

}  // namespace sluice::lab

using sluice::lab::CallHook;
using sluice::lab::CallKind;
using sluice::lab::FileCall;

// The program's own definitions come before the C library's for every library that it loads.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = sluice::lab::mode_of(flags, arguments);
  va_end(arguments);
  return sluice::lab::open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = sluice::lab::mode_of(flags, arguments);
  va_end(arguments);
  return sluice::lab::open_file(path, flags, mode);
}

int close(int fd) {
  static const auto next = sluice::lab::real<int(int)>("close");
  if (CallHook* hook = sluice::lab::current_hook.load(std::memory_order_acquire)) hook->closed(fd);
  return next(fd);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return sluice::lab::write_at(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  return sluice::lab::write_at(fd, bytes, size, at);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto next = sluice::lab::real<ssize_t(int, const void*, size_t)>("write");
  FileCall call;
  call.kind = CallKind::kWrite;
  call.fd = fd;
  call.bytes = bytes;
  call.size = size;
  if (sluice::lab::current_hook.load(std::memory_order_acquire) != nullptr) {
    const off_t at = lseek(fd, 0, SEEK_CUR);  // -1 for a pipe: no file of the log
    call.at = at < 0 ? 0 : at;
  }
  return sluice::lab::perform(call, [&] { return next(fd, bytes, size); });
}

int fsync(int fd) {
  return sluice::lab::sync_file(fd, "fsync");
}
int fdatasync(int fd) {
  return sluice::lab::sync_file(fd, "fdatasync");
}
int ftruncate(int fd, off_t size) noexcept {
  return sluice::lab::truncate_file(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  return sluice::lab::truncate_file(fd, size);
}

int unlink(const char* path) noexcept {
  static const auto next = sluice::lab::real<int(const char*)>("unlink");
  FileCall call;
  call.kind = CallKind::kUnlink;
  call.path = path;
  return sluice::lab::perform(call, [&] { return next(path); });
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = sluice::lab::real<int(const char*, const char*)>("rename");
  FileCall call;
  call.kind = CallKind::kRename;
  call.path = from;
  call.to = to;
  return sluice::lab::perform(call, [&] { return next(from, to); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto next = sluice::lab::real<int(const char*, mode_t)>("mkdir");
  FileCall call;
  call.kind = CallKind::kMkdir;
  call.path = path;
  return sluice::lab::perform(call, [&] { return next(path, mode); });
}

// The C++ library's file streams open with this one and write with write(2).
FILE* fopen64(const char* path, const char* mode) {
  static const auto next = sluice::lab::real<FILE*(const char*, const char*)>("fopen64");
  CallHook* hook = sluice::lab::current_hook.load(std::memory_order_acquire);
  if (hook == nullptr || mode[0] == 'r') return next(path, mode);
  FileCall call;
  call.kind = CallKind::kOpen;
  call.path = path;
  call.flags = O_WRONLY | O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
  struct stat info {};
  call.made_file = ::stat(path, &info) != 0;
  if (const int error = hook->before(call); error != 0) {
    errno = error;
    return nullptr;
  }
  FILE* file = next(path, mode);
  if (file == nullptr) return nullptr;
  call.fd = fileno(file);
  hook->after(call);
  return file;
}

int fclose(FILE* file) {
  static const auto next = sluice::lab::real<int(FILE*)>("fclose");
  if (CallHook* hook = sluice::lab::current_hook.load(std::memory_order_acquire))
    hook->closed(fileno(file));
  return next(file);
}

}  // extern "C"
