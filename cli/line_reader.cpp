// SPDX-License-Identifier: Apache-2.0
#include "cli/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::cli {
namespace {
constexpr std::size_t kReadBytes = 64 * 1024;
}

core::Result<LineReader> LineReader::open(const std::string& file) {
  const int fd = file == "-" ? dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return core::fail(errno == ENOENT ? core::Errc::kNotFound : core::Errc::kIo,
                      file + " cannot be read: " + std::strerror(errno));
  LineReader reader(fd);
  struct stat about {};
  if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
    reader.file_bytes_ = static_cast<std::uint64_t>(about.st_size);
  return reader;
}

LineReader::LineReader(LineReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      number_(other.number_),
      bytes_read_(other.bytes_read_),
      file_bytes_(other.file_bytes_),
      ended_(other.ended_),
      skipping_(other.skipping_) {}

LineReader::~LineReader() {
  if (fd_ >= 0) close(fd_);
}

std::optional<LineReader::Line> LineReader::next() {
  const std::size_t end = buffer_.find('\n', begin_);
  if (end != std::string::npos) return cut(end, end + 1);
  if (ended_ && (buffer_.size() > begin_ || skipping_)) return cut(buffer_.size(), buffer_.size());
  if (buffer_.size() - begin_ > kLineBytesMax) {  // forget it as it comes, until its end is seen
    buffer_.clear();
    begin_ = 0;
    skipping_ = true;
  }
  return std::nullopt;
}

std::optional<LineReader::Line> LineReader::cut(std::size_t end, std::size_t next_begin) {
  Line line{++number_, {}, std::exchange(skipping_, false) || end - begin_ > kLineBytesMax};
  if (!line.too_long) {
    line.text = buffer_.substr(begin_, end - begin_);
    if (line.text.ends_with('\r')) line.text.pop_back();
  }
  begin_ = next_begin;
  return line;
}

core::Result<void> LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  const ssize_t got = read(fd_, buffer_.data() + had, kReadBytes);
  const int problem = errno;
  buffer_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got > 0) bytes_read_ += static_cast<std::uint64_t>(got);
  if (got == 0) ended_ = true;
  if (got < 0 && problem != EINTR && problem != EAGAIN)
    return core::fail(core::Errc::kIo, std::string("reading failed: ") + std::strerror(problem));
  return {};
}

}  // namespace sluice::cli
