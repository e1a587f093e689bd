// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/lab/replay/allocations.hpp"
#include "tests/lab/replay/image_folder.hpp"
#include "tests/lab/replay/lane_driver.hpp"
#include "tests/lab/replay/nth_call.hpp"
#include "tests/lab/replay/whole_log.hpp"
#include "tests/support/lab_report.hpp"

// Memory runs out, in a process of its own: ending is allowed, a crash, a hang or a lie is not.
namespace sluice::lab {
namespace {

constexpr std::size_t kRequests = 12;
constexpr std::size_t kEventsMax = 2;

// What the child leaves behind, whatever becomes of it.
struct Testament {
  struct Answer {
    bool is_given = false;
    std::uint32_t count = 0;
    storage::Appended positions[kEventsMax];
  };
  Answer answers[kRequests];
  std::uint64_t seen = 0;
  bool hung = false;
};

class Shared {
 public:
  Shared()
      : memory_(mmap(nullptr, sizeof(Testament), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0)) {
    if (memory_ == MAP_FAILED) std::abort();
    new (memory_) Testament;
  }
  ~Shared() { munmap(memory_, sizeof(Testament)); }
  Testament& operator*() { return *static_cast<Testament*>(memory_); }

 private:
  void* memory_;
};

struct Case {
  Allocator which = Allocator::kCpp;
  std::uint64_t n = 0;
  bool sticky = false;
  std::string words() const {
    return std::string(which == Allocator::kCpp ? "operator new" : "SQLite's malloc") +
           ", n = " + std::to_string(n) + (sticky ? " and all later" : "");
  }
};

[[noreturn]] void child(const Case& one, const std::filesystem::path& folder,
                        const storage::LogSettings& settings,
                        const std::vector<storage::AppendRequest>& requests, Testament& testament) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(4);
  alarm(60);
  std::string hang;
  int code = 0;
  fail_allocation(one.which, one.n, one.sticky);
  try {
    WholeLog log(folder, 31, settings);
    live_whole(
        log, requests,
        [&](std::size_t at, const std::vector<storage::Appended>& positions) {
          Testament::Answer& answer = testament.answers[at];
          answer.count = static_cast<std::uint32_t>(positions.size());
          for (std::size_t i = 0; i < positions.size(); ++i) answer.positions[i] = positions[i];
          answer.is_given = true;
        },
        hang);
  } catch (const std::bad_alloc&) {
    code = 3;  // open() or the test's own code: a program ends
  }
  testament.seen = allocations_seen();
  testament.hung = !hang.empty();
  _exit(code);
}

// False: `n` was not reached, the run saw no fault.
bool try_one(const Case& one, ImageFolder& folder, NthTally& tally, std::uint64_t& died) {
  const auto settings = small_settings(6);
  const auto requests = whole_requests(8, kRequests);
  folder.install({});
  Shared shared;
  const pid_t pid = fork();
  if (pid == 0) child(one, folder.path(), settings, requests, *shared);
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    ADD_FAILURE() << "cannot run a child";
    return false;
  }
  const bool ended = WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3);
  const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  if (!ended && !aborted)
    tally.findings.push_back(one.words() + ": the process ended with status " +
                             std::to_string(status));
  if ((*shared).hung) tally.findings.push_back(one.words() + ": an append was never answered");
  died += aborted || (ended && WEXITSTATUS(status) == 3) ? 1 : 0;
  Ledger ledger;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Testament::Answer& answer = (*shared).answers[i];
    ledger.appends.push_back({requests[i], 0, answer.is_given ? 0 : kNever, {}});
    for (std::size_t k = 0; k < answer.count; ++k)
      ledger.appends.back().positions.push_back(answer.positions[k]);
  }
  ++tally.runs;
  tally.add(check_whole(folder.path(), ledger, 0, {settings, tally.runs + 100, false}),
            one.words());
  folder.forget();
  return !ended || WEXITSTATUS(status) != 0 || (*shared).seen >= one.n;
}

void try_all(Allocator which, const std::string& name) {
  // The later ones in widening steps; SLUICE_LAB_STEP=1 takes every single one. SLUICE_LAB_FROM
  // says where to begin.
  const char* from = std::getenv("SLUICE_LAB_FROM");
  const std::uint64_t begin = from == nullptr ? 1 : std::strtoull(from, nullptr, 10);
  const char* text = std::getenv("SLUICE_LAB_STEP");
  const std::uint64_t widen = text == nullptr ? 60 : UINT64_MAX;
  ImageFolder folder;
  NthTally tally;
  std::uint64_t died = 0;
  for (const bool sticky : {false, true}) {
    for (std::uint64_t n = begin;; n += 1 + n / widen) {
      if (!try_one({which, n, sticky}, folder, tally, died)) break;
      ASSERT_LT(tally.findings.size(), 5u) << tally.findings.front();
    }
  }
  std::printf("%s: %llu runs, the process ended in %llu\n", name.c_str(),
              static_cast<unsigned long long>(tally.runs), static_cast<unsigned long long>(died));
  for (const std::string& finding : tally.findings) ADD_FAILURE() << finding;
  test::lab_report({"n-th call fails: " + name, tally.runs, tally.acked, tally.lost, tally.doubled,
                    tally.out_of_order, tally.reopened});
}

TEST(NthCall, AnyAllocationMayFail) {
  try_all(Allocator::kCpp, "operator new");
}
TEST(NthCall, AnyAllocationOfSqliteMayFail) {
  try_all(Allocator::kSqlite, "SQLite's malloc");
}

}  // namespace
}  // namespace sluice::lab
