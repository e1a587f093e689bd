// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace sluice::test {
namespace {

std::filesystem::path temp_file() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/slo-XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("mkstemp failed");
  ::close(fd);
  return name;
}

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// The child: only calls that are safe after fork() in a program with threads.
[[noreturn]] void child(char* const* argv, char* const* envp, const Process::Options& options,
                        int in, const char* out, const char* err) {
  const int out_fd = ::open(out, O_WRONLY | O_APPEND | O_CREAT, 0644);
  const int err_fd = ::open(err, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (::dup2(in, 0) < 0 || ::dup2(out_fd, 1) < 0 || ::dup2(err_fd, 2) < 0) ::_exit(126);
  if (options.as_nobody && (::setgroups(0, nullptr) != 0 || ::setresgid(65534, 65534, 65534) != 0 ||
                            ::setresuid(65534, 65534, 65534) != 0))
    ::_exit(126);
  // Behind the change of the user, which would undo it.
  if (options.dies_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execvpe(argv[0], argv, envp);
  ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& command) : Process(command, Options{}) {}

Process::Process(const std::vector<std::string>& command, Options options)
    : out_(options.log_file.empty() ? temp_file() : options.log_file),
      err_(options.log_file.empty() ? temp_file() : options.log_file),
      own_files_(options.log_file.empty()) {
  std::vector<std::string> arguments = command;
  std::vector<std::string> environment = options.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const auto argv = pointers(arguments);
  const auto envp = pointers(environment);
  int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (!options.input.empty()) {
    const auto file = temp_file();
    std::ofstream(file, std::ios::binary) << options.input;
    ::close(in);
    in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    std::filesystem::remove(file);
  }
  pid_ = ::fork();
  if (pid_ == 0) child(argv.data(), envp.data(), options, in, out_.c_str(), err_.c_str());
  ::close(in);
  if (pid_ < 0) throw std::runtime_error("fork failed");
}

Process::~Process() {
  if (pid_ > 0) kill();
  if (!own_files_) return;
  std::error_code ignored;
  if (!out_.empty()) std::filesystem::remove(out_, ignored);
  if (!err_.empty()) std::filesystem::remove(err_, ignored);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      out_(std::exchange(other.out_, {})),
      err_(std::exchange(other.err_, {})),
      own_files_(other.own_files_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  std::swap(own_files_, other.own_files_);
  return *this;
}

bool Process::running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = -1;
  return false;
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Process::wait(std::chrono::milliseconds limit) {
  eventually([this] { return !running(); }, limit);
  return running() ? -1 : status_;
}

void Process::kill() {
  signal(SIGKILL);
  wait();
}

int Process::terminate(std::chrono::milliseconds limit) {
  signal(SIGTERM);
  const int code = wait(limit);
  if (code == -1) kill();
  return code;
}

std::string Process::output() const {
  return out_ == err_ ? slurp(out_) : slurp(out_) + slurp(err_);
}
std::string Process::out() const {
  return slurp(out_);
}

Finished run(const std::vector<std::string>& command, Process::Options options,
             std::chrono::milliseconds limit) {
  Process process(command, std::move(options));
  Finished finished;
  finished.code = process.wait(limit);
  finished.out = process.out();
  finished.output = process.output();
  return finished;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

bool socket_answers(const std::filesystem::path& unix_socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = unix_socket.string();
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

bool port_answers(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

std::string program(const std::string& name) {
  return std::string(SLUICE_BIN_DIR) + "/" + name;
}

}  // namespace sluice::test
