// SPDX-License-Identifier: Apache-2.0
#include "cli/run_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sluice::cli {
namespace {
constexpr std::size_t kOutputBytesMax = 64 * 1024;
}

core::Result<ProgramEnd> run_program(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return core::fail(core::Errc::kIo, std::strerror(errno));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // the C interface changes nothing
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int problem =
      posix_spawnp(&pid, command.front().c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (problem != 0) {
    close(ends[0]);
    return ProgramEnd{kNotStarted, std::strerror(problem)};
  }

  ProgramEnd end;
  char buffer[4096];
  for (ssize_t got = 1; got > 0 || (got < 0 && errno == EINTR);) {
    got = read(ends[0], buffer, sizeof buffer);
    if (got > 0 && end.output.size() < kOutputBytesMax)
      end.output.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  while (end.output.ends_with('\n')) end.output.pop_back();
  return end;
}

std::string program_beside(const std::string& name) {
  std::error_code unknown;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown && std::filesystem::exists(self.parent_path() / name, unknown))
    return self.parent_path() / name;
  return name;
}

}  // namespace sluice::cli
