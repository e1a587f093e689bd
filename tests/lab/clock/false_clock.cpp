// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/clock/false_clock.hpp"

#include <chrono>
#include <ctime>

namespace sluice::test {
namespace {

std::vector<std::string> with_library(std::vector<std::string> more) {
  more.push_back("LD_PRELOAD=" + FalseClock::library().string());
  more.push_back("FAKETIME_DONT_FAKE_MONOTONIC=1");
  more.push_back("FAKETIME_NO_CACHE=1");
  return more;
}

}  // namespace

std::filesystem::path FalseClock::library() {
  for (const char* folder :
       {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"}) {
    const auto path = std::filesystem::path(folder) / "faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

FalseClock::FalseClock() {
  set_offset(0);
}

// By a new file in the old one's place: a process that looks now reads one or the other.
void FalseClock::set_offset(std::int64_t seconds) const {
  folder_.write("next", (seconds < 0 ? "-" : "+") + std::to_string(std::abs(seconds)) + "\n");
  std::filesystem::rename(folder_ / "next", folder_ / "offset");
}
void FalseClock::set_time(std::int64_t unix_seconds) const {
  set_offset(unix_seconds - std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count());
}

std::vector<std::string> FalseClock::environment() const {
  return with_library({"FAKETIME_TIMESTAMP_FILE=" + (folder_ / "offset").string()});
}

std::vector<std::string> FalseClock::starts_at(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[40];
  std::strftime(text, sizeof text, "@%Y-%m-%d %H:%M:%S", &parts);
  return with_library({std::string("FAKETIME=") + text});
}

}  // namespace sluice::test
