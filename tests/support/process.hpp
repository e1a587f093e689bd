// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sluice::test {

// A program under test. What it writes to stdout and stderr is kept in a file; the destructor kills
// it (by its own pid) if it still runs.
class Process {
 public:
  struct Options {
    std::vector<std::string> environment = {};  // "NAME=value", beside what this process has
    std::string input = {};                     // its stdin; empty: /dev/null
    bool as_nobody = false;                     // uid and gid 65534; the caller must be root
    std::filesystem::path log_file = {};        // stdout and stderr are appended here instead
    bool dies_with_parent = true;               // SIGKILL when the *thread* that started it ends
  };
  // A path with '/' or a name on PATH. A program that cannot be started ends with 127.
  explicit Process(const std::vector<std::string>& command);
  Process(const std::vector<std::string>& command, Options options);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // The exit code, 128 + N if signal N ended it, -1 if it has not ended in time.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(20));
  void kill();  // SIGKILL, and waits
  // SIGTERM and wait(); SIGKILL if that was not enough (then -1).
  int terminate(std::chrono::milliseconds limit = std::chrono::seconds(20));
  std::string output() const;  // stdout, then stderr
  std::string out() const;     // stdout alone

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  std::filesystem::path out_;
  std::filesystem::path err_;
  bool own_files_ = true;
};

// Runs a program to its end.
struct Finished {
  int code = -1;
  std::string out;     // stdout
  std::string output;  // stdout and stderr
};
Finished run(const std::vector<std::string>& command, Process::Options options = {},
             std::chrono::milliseconds limit = std::chrono::seconds(60));

// Asks again every few milliseconds until it is true or the time is over.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(20));

// Somebody accepts connections there.
bool socket_answers(const std::filesystem::path& unix_socket);
bool port_answers(std::uint16_t port);

// A program of this build: SLUICE_BIN_DIR/<name>.
std::string program(const std::string& name);

}  // namespace sluice::test
