// SPDX-License-Identifier: Apache-2.0
#include "cli/disk_probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace sluice::cli {
namespace {

constexpr std::size_t kWriteBytes = 8 * 1024;  // a commit's two WAL frames
constexpr off_t kFileBytesMax = 4 << 20;       // as a WAL, it is written over and over

core::Error problem(const char* what) {
  return core::fail(core::Errc::kIo, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

core::Result<DiskFigures> probe_disk(const std::filesystem::path& folder,
                                     std::chrono::milliseconds duration, const core::Clock& clock) {
  const std::string file = folder / (".sluice-doctor-" + std::to_string(getpid()));
  const int fd = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return problem("a scratch file cannot be made");
  unlink(file.c_str());  // gone with the descriptor, whatever happens

  // Bytes that no device can compress away.
  std::string block(kWriteBytes, '\0');
  std::uint64_t noise = 0x9e3779b97f4a7c15;
  for (char& byte : block)
    byte = static_cast<char>((noise = noise * 6364136223846793005u + 1) >> 56);

  std::vector<std::uint64_t> times;
  const std::uint64_t end =
      clock.monotonic_ns() + static_cast<std::uint64_t>(duration.count()) * 1'000'000;
  core::Result<DiskFigures> figures = DiskFigures{};
  off_t at = 0;
  while (clock.monotonic_ns() < end) {
    const std::uint64_t begin = clock.monotonic_ns();
    if (pwrite(fd, block.data(), block.size(), at) != static_cast<ssize_t>(block.size()) ||
        fdatasync(fd) != 0) {
      figures = problem("writing failed");
      break;
    }
    times.push_back(clock.monotonic_ns() - begin);
    at = (at + static_cast<off_t>(kWriteBytes)) % kFileBytesMax;
  }
  close(fd);
  if (!figures || times.empty()) return figures;
  std::sort(times.begin(), times.end());
  return DiskFigures{times.size(), times[times.size() / 2], times[times.size() * 99 / 100],
                     times.back()};
}

}  // namespace sluice::cli
