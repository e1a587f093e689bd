// SPDX-License-Identifier: Apache-2.0
#include "core/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::core {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.empty() || text.size() >= sizeof address.sun_path)
    return fail(Errc::kConfig, "the socket path '" + text + "' has " + std::to_string(text.size()) +
                                   " bytes, a socket's has 1 to " +
                                   std::to_string(sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Error io_error(const std::filesystem::path& path, const char* what) {
  return fail(Errc::kIo, std::string(what) + " " + path.string() + ": " + std::strerror(errno));
}

// Removes what a dead program left behind. Only a socket that refuses connections is such a thing.
Result<void> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return io_error(path, "cannot look at");
  }
  if (!S_ISSOCK(info.st_mode))
    return fail(Errc::kConfig, path.string() + " exists and is not a socket");
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return io_error(path, "cannot make a socket for");
  const int answer = ::connect(probe, generic(address), sizeof address);
  const int why = errno;
  ::close(probe);
  if (answer == 0 || why != ECONNREFUSED)
    return fail(Errc::kBusy, "another program listens on " + path.string());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error(path, "cannot remove");
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::filesystem::path& path, unsigned mode) {
  const auto address = address_of(path);
  if (!address) return address.error();
  SLUICE_TRY(remove_stale(path, *address));
  UnixListener listener;
  listener.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener.fd_ < 0) return io_error(path, "cannot make a socket for");
  if (::bind(listener.fd_, generic(*address), sizeof *address) != 0) {
    if (errno == EADDRINUSE)
      return fail(Errc::kBusy, "another program listens on " + path.string());
    return io_error(path, "cannot make the socket");
  }
  listener.path_ = path;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    listener.device_ = info.st_dev;
    listener.inode_ = info.st_ino;
  }
  // Nobody can connect before listen(), so the mode is never wider than asked for.
  if (::chmod(path.c_str(), mode) != 0) return io_error(path, "cannot set the mode of");
  if (::listen(listener.fd_, SOMAXCONN) != 0) return io_error(path, "cannot listen on");
  return listener;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

UnixListener::~UnixListener() {
  if (fd_ >= 0) ::close(fd_);
  struct stat info {};
  if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_)
    ::unlink(path_.c_str());
}

Result<int> connect_unix(const std::filesystem::path& path, std::chrono::milliseconds wait) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return io_error(path, "cannot make a socket for");
  const timeval limit{.tv_sec = wait.count() / 1000, .tv_usec = wait.count() % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd, generic(*address), sizeof *address) != 0) {
    const int why = errno;
    ::close(fd);
    const std::string text =
        "cannot connect to " + path.string() + ": " + std::strerror(why == EAGAIN ? EBUSY : why);
    return fail(why == EACCES || why == EPERM ? Errc::kUnauthorized : Errc::kUnavailable, text);
  }
  const timeval none{};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
  return fd;
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail(Errc::kIo, std::string("SO_PEERCRED: ") + std::strerror(errno));
  return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace sluice::core
