// SPDX-License-Identifier: Apache-2.0
#include "bench/raw_sync.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "bench/report.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kPage = 4096;
constexpr int kPages = 1000;  // as the log's WAL, which is written from its start again and again

}  // namespace

RawSync::RawSync(const std::filesystem::path& file)
    : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  const std::string zeros(kPage, '\0');
  for (int i = 0; i < kPages; ++i)
    if (::pwrite(fd_, zeros.data(), kPage, static_cast<off_t>(i) * 4096) != kPage)
      give_up("cannot write " + file.string());
  ::fsync(fd_);
}

RawSync::~RawSync() {
  ::close(fd_);
}

double RawSync::write() {
  const std::string page(kPage, static_cast<char>('a' + next_ % 26));
  const Stopwatch watch;
  if (::pwrite(fd_, page.data(), kPage, static_cast<off_t>(next_++ % kPages) * 4096) != kPage ||
      ::fdatasync(fd_) != 0)
    give_up("write or fdatasync failed");
  return watch.seconds();
}

}  // namespace sluice::bench
