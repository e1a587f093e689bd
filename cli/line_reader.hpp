// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::cli {

// Lines of a file descriptor, taken only when asked, so that a slow reader holds its writer back.
// A line longer than kLineBytesMax is not kept: it comes as an empty line with `too_long`.
class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = 1u << 20;
  struct Line {
    std::uint64_t number = 0;  // from 1
    std::string text;          // without "\n" or "\r\n"
    bool too_long = false;
  };

  // "-" is standard input. kIo, kNotFound.
  static core::Result<LineReader> open(const std::string& file);
  LineReader(LineReader&& other) noexcept;
  ~LineReader();

  int fd() const { return fd_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t file_bytes() const { return file_bytes_; }  // 0: not a plain file
  bool ended() const { return ended_ && buffer_.size() == begin_ && !skipping_; }

  // The next line, if it is here already.
  std::optional<Line> next();
  // read(2), once; blocks unless poll(2) said otherwise. kIo.
  core::Result<void> fill();

 private:
  explicit LineReader(int fd) : fd_(fd) {}
  std::optional<Line> cut(std::size_t end, std::size_t next_begin);
  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t file_bytes_ = 0;
  bool ended_ = false;
  bool skipping_ = false;  // in the middle of a line that is too long
};

}  // namespace sluice::cli
