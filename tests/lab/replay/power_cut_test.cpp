// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "tests/lab/replay/power_cut.hpp"
#include "tests/lab/replay/sql_words.hpp"
#include "tests/support/lab_report.hpp"

namespace sluice::lab {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string words(const Tally& tally) {
  std::string all;
  for (const std::string& finding : tally.findings) all += "\n  " + finding;
  return all;
}

// SLUICE_LAB_IMAGES says how many, SLUICE_LAB_SEED from which seed on, SLUICE_LAB_SCENARIO which
// one.
TEST(PowerCut, NoAcknowledgedEventIsLostAtAnyOperation) {
  const std::uint64_t images = from_environment("SLUICE_LAB_IMAGES", 100'000);
  PowerCut lab;
  Tally tally;
  const char* only = std::getenv("SLUICE_LAB_SCENARIO");
  const std::clock_t cpu_began = std::clock();
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = from_environment("SLUICE_LAB_SEED", 1); tally.images < images; ++seed) {
    for (const Scenario& scenario : scenarios()) {
      if (only != nullptr && scenario.name != only) continue;
      const Recording recording = record(scenario, seed, lab.folder());
      PowerCut::Options options;
      options.images = images - std::min(images, tally.images);
      lab.run(recording, options, tally);
      ASSERT_LT(tally.findings.size(), 10u) << words(tally);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double cpu = static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC;
  std::printf("%llu images (%llu of cut recoveries): %.0f a second, %.0f a second of CPU\n",
              static_cast<unsigned long long>(tally.images),
              static_cast<unsigned long long>(tally.recoveries_cut),
              static_cast<double>(tally.images) / took.count(),
              static_cast<double>(tally.images) / cpu);
  EXPECT_EQ(tally.bad, 0u) << words(tally);
  test::lab_report({"power cut, every operation", tally.images, tally.acked, tally.lost,
                    tally.doubled, tally.out_of_order, tally.reopened});
}

// SLUICE_LAB_ONLY names one image by its key.
TEST(PowerCut, OneImageCanBeMadeAgain) {
  const char* wanted = std::getenv("SLUICE_LAB_ONLY");
  PowerCut lab;
  const Verdict verdict = lab.look_at(wanted != nullptr ? wanted : "seal/1/200/1");
  for (const std::string& problem : verdict.problems) ADD_FAILURE() << problem;
  EXPECT_TRUE(verdict.reopened);
}

// As the scenarios are, but with SQLite's syncs weaker than the log asked for.
Tally cut_with(const std::string& synchronous) {
  PowerCut lab;
  Tally tally;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.checkpoint_pages != 1000) continue;  // it has another pragma of its own
    Recording recording;
    {
      const OtherPragma weaker("synchronous", "FULL", synchronous, "2");
      recording = record(scenario, 1, lab.folder());
    }
    PowerCut::Options options;
    options.deep_every = 0;
    lab.run(recording, options, tally);
  }
  std::printf("synchronous=%s: %llu of %llu images lost acknowledged events, %llu are damaged\n",
              synchronous.c_str(), static_cast<unsigned long long>(tally.lossy),
              static_cast<unsigned long long>(tally.images),
              static_cast<unsigned long long>(tally.corrupt));
  return tally;
}

// The lab must be able to see what it looks for: without syncs a cut damages files ...
TEST(PowerCut, DetectorSeesSynchronousOff) {
  const Tally tally = cut_with("OFF");
  EXPECT_GT(tally.bad, tally.images / 2);
  EXPECT_GT(tally.corrupt, 0u);
}

// ... and where only checkpoints are synced, it takes acknowledged events.
TEST(PowerCut, DetectorSeesSynchronousNormal) {
  const Tally tally = cut_with("NORMAL");
  EXPECT_GT(tally.lossy, tally.images / 4);
}

}  // namespace
}  // namespace sluice::lab
