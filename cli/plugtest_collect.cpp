// SPDX-License-Identifier: Apache-2.0
#include "cli/plugtest_collect.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <list>
#include <utility>

#include "cli/line_socket.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

core::Error io_error(const std::filesystem::path& path, const std::string& what) {
  return fail(Errc::kIo, path.string() + " " + what + ": " + std::strerror(errno));
}

Result<std::string> slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error(path, "cannot be read");
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

struct Board {
  LineSocket socket;
  std::uint64_t stored = 0;
};

// False: this connection is at its end.
bool serve(Board& board, RecordFile& file, Output& output) {
  auto lines = board.socket.receive(std::chrono::milliseconds(0));
  if (!lines) return false;
  if (lines->size() == 1 && lines->front() == "show") {
    const auto text = file.text();
    return text && board.socket.send(*text + "end\n");
  }
  if (lines->empty()) return true;
  const std::size_t rounds = file.record().rounds().size();
  if (const auto written = file.append(*lines); !written) {
    output.problem(written.error(), "plugtest collect");
    static_cast<void>(board.socket.send("error " + written.error().message + "\n"));
    return false;
  }
  for (std::size_t i = rounds; i < file.record().rounds().size(); ++i)
    output.note("Round " + std::to_string(i + 1) + " of gateway " +
                file.record().rounds()[i].gateway + " begins.");
  board.stored += lines->size();
  return static_cast<bool>(board.socket.send("ok " + std::to_string(board.stored) + "\n"));
}

void say_port(Output& output, const Listener& listener, const std::filesystem::path& file) {
  if (output.json()) {
    output.document(core::json::object{{"port", listener.port}, {"file", file.string()}});
  } else {
    output.line("Listening on port " + std::to_string(listener.port) + ", notes go to " +
                file.string() + "; end with Ctrl-C.");
  }
  output.flush();
}

}  // namespace

RecordFile::RecordFile(int fd, std::filesystem::path path, PlugtestRecord record)
    : fd_(fd), path_(std::move(path)), record_(std::move(record)) {}

RecordFile::RecordFile(RecordFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      record_(std::move(other.record_)) {}

RecordFile::~RecordFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<RecordFile> RecordFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return io_error(path, "cannot be opened");
  RecordFile out(fd, path, {});
  const auto text = slurp(path);
  if (!text) return text.error();
  auto record = PlugtestRecord::parse(*text);
  if (!record) return record.error();
  const std::size_t end = text->rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole < text->size() && ::ftruncate(fd, static_cast<off_t>(whole)) != 0)
    return io_error(path, "has a torn line that cannot be cut off");
  out.record_ = std::move(*record);
  return out;
}

Result<void> RecordFile::append(const std::vector<std::string>& lines) {
  std::string bytes;
  Result<void> taken;
  for (const std::string& line : lines) {
    if (taken = record_.add_line(line); !taken) break;
    bytes += line + "\n";
  }
  const char* at = bytes.data();
  for (std::size_t left = bytes.size(); left > 0;) {
    const ssize_t written = ::write(fd_, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return io_error(path_, "takes no more");
    at += written;
    left -= static_cast<std::size_t>(written);
  }
  if (::fdatasync(fd_) != 0) return io_error(path_, "cannot be synced");
  return taken;
}

Result<std::string> RecordFile::text() const {
  return slurp(path_);
}

core::Error collect(Output& output, const std::string& address, const std::filesystem::path& path) {
  auto file = RecordFile::open(path);
  if (!file) return file.error();
  const auto listener = listen_on(address);
  if (!listener) return listener.error();
  say_port(output, *listener, path);
  std::list<Board> boards;
  for (;;) {
    std::vector<pollfd> files{{listener->fd, POLLIN, 0}};
    for (const Board& board : boards) files.push_back({board.socket.fd(), POLLIN, 0});
    if (poll(files.data(), files.size(), -1) < 0 && errno != EINTR)
      return io_error(path, "is no longer written");
    std::size_t i = 1;
    for (auto board = boards.begin(); board != boards.end(); ++i) {
      const bool goes_on = files[i].revents == 0 || serve(*board, *file, output);
      board = goes_on ? std::next(board) : boards.erase(board);
    }
    if (files[0].revents == 0) continue;
    if (const int fd = ::accept4(listener->fd, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
      boards.push_back({LineSocket(fd)});
  }
}

Result<PlugtestRecord> fetch_record(const std::string& collector) {
  constexpr std::chrono::milliseconds kPatience{10'000};
  auto socket = LineSocket::connect(collector, kPatience);
  if (!socket) return socket.error();
  SLUICE_TRY(socket->send("show\n"));
  PlugtestRecord out;
  for (;;) {
    const auto lines = socket->receive(kPatience);
    if (!lines) return lines.error();
    if (lines->empty()) return fail(Errc::kUnavailable, "the collector gives no answer");
    for (const std::string& line : *lines) {
      if (line == "end") return out;
      SLUICE_TRY(out.add_line(line));
    }
  }
}

}  // namespace sluice::cli
