// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "core/result.hpp"

namespace sluice::core {

// The name of a listening Unix socket. Its end removes the socket file, if that is still ours.
class UnixListener {
 public:
  // Makes the socket and listens; `mode` as in chmod(2) is set before anyone can connect. A file
  // that a dead program left there is removed; kBusy: somebody answers on it; kConfig: the path is
  // too long for a socket or names something that is no socket; kIo: the folder refuses.
  static Result<UnixListener> open(const std::filesystem::path& path, unsigned mode);
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) noexcept;
  ~UnixListener();

  int release_fd() { return std::exchange(fd_, -1); }  // non-blocking; the caller closes it
  const std::filesystem::path& path() const { return path_; }

 private:
  UnixListener() = default;
  int fd_ = -1;
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A connected, blocking stream socket; waits only while the listener's queue is full. kUnavailable:
// nobody listens there; kUnauthorized: no right to the file; kConfig: the path is too long.
Result<int> connect_unix(const std::filesystem::path& path,
                         std::chrono::milliseconds wait = std::chrono::seconds(5));

// Who is at the other end of a connected Unix socket, as the kernel knows it (SO_PEERCRED).
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};
Result<PeerCredentials> peer_credentials(int fd);

}  // namespace sluice::core
