// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/power_cut.hpp"

#include <charconv>
#include <optional>
#include <set>
#include <stdexcept>

namespace sluice::lab {
namespace {

constexpr std::size_t kFindingsKept = 10;

std::uint64_t seed_of(std::uint64_t seed, std::uint64_t time, std::uint64_t choice) {
  core::SeededRandom random(seed ^ (time << 24) ^ (choice << 56) ^ 0x1a6e);
  random.next();
  return random.next() >> 3;
}

// The disk after a cut with this choice; nothing if an earlier choice gave the same.
std::optional<Tree> image(const DiskModel& disk, std::uint64_t choice, std::uint64_t seed,
                          std::set<std::uint64_t>& seen) {
  if (choice == 0) return disk.none();
  if (disk.pending() == 0) return std::nullopt;
  if (choice == 1) return disk.all();
  core::SeededRandom random(seed);
  std::uint64_t hash = 0;
  Tree tree = disk.some(random, hash);
  if (!seen.insert(hash).second) return std::nullopt;
  return tree;
}

std::vector<std::string> split(const std::string& key) {
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

void PowerCut::count(const Verdict& verdict, const std::string& key, Tally& tally) {
  ++tally.images;
  tally.acked += verdict.acked;
  tally.lost += verdict.lost;
  tally.doubled += verdict.doubled;
  tally.out_of_order += verdict.out_of_order;
  tally.reopened = tally.reopened && verdict.reopened;
  if (verdict.good()) return;
  ++tally.bad;
  if (verdict.lost > 0 && verdict.reopened) ++tally.lossy;
  if (verdict.lost == 0 || !verdict.reopened) ++tally.corrupt;
  if (tally.findings.size() < kFindingsKept)
    tally.findings.push_back(key + ": " + verdict.problems.front());
}

Verdict PowerCut::check(const Tree& tree, const Ledger& ledger, std::size_t time,
                        const storage::LogSettings& settings, std::uint64_t seed) {
  folder_.install(tree);
  const HookedCalls hooked(folder_);
  return check_lane(folder_.path(), ledger, time, {settings, seed, seed % 2 == 0});
}

void PowerCut::run(const Recording& recording, const Options& options, Tally& tally) {
  DiskModel disk;
  const std::string prefix = recording.scenario->name + "/" + std::to_string(recording.seed) + "/";
  const std::uint64_t last =
      tally.images > UINT64_MAX - options.images ? UINT64_MAX : tally.images + options.images;
  for (std::size_t time = 0; time <= recording.ops.size(); ++time) {
    if (time > 0) disk.apply(recording.ops[time - 1]);
    std::set<std::uint64_t> seen;
    for (std::uint64_t choice = 0; choice < options.choices; ++choice) {
      if (tally.images >= last) return;
      const std::uint64_t seed = seed_of(recording.seed, time, choice);
      const auto tree = image(disk, choice, seed, seen);
      if (!tree) continue;
      const std::string key = prefix + std::to_string(time) + "/" + std::to_string(choice);
      count(check(*tree, recording.ledger, time, recording.settings, seed), key, tally);
      if (options.deep_every > 0 && tally.images % options.deep_every == 0)
        deep(recording, *tree, time, {key, seed}, options, tally);
    }
  }
}

namespace {

// The check of an image, itself recorded.
struct Recovery {
  std::deque<DiskOp> ops;
  Ledger ledger;
};

Recovery record_recovery(ImageFolder& folder, const Recording& recording, const Tree& tree,
                         std::size_t time, std::uint64_t seed) {
  folder.install(tree);
  Recorder recorder(folder.path(), tree);
  Ledger answers;
  {
    BothHooks hooks(recorder, folder);
    const HookedCalls hooked(hooks);
    check_lane(folder.path(), recording.ledger, time, {recording.settings, seed, false}, &answers,
               [&] { return recorder.size(); });
  }
  return {recorder.take_ops(), carry_over(recording.ledger, time, answers)};
}

}  // namespace

void PowerCut::deep(const Recording& recording, const Tree& tree, std::size_t time,
                    const Place& place, const Options& options, Tally& tally) {
  const Recovery recovery = record_recovery(folder_, recording, tree, time, place.seed);
  DiskModel disk(tree);
  for (std::size_t again = 0; again <= recovery.ops.size(); ++again) {
    if (again > 0) disk.apply(recovery.ops[again - 1]);
    std::set<std::uint64_t> seen;
    for (std::uint64_t choice = 0; choice < std::min<std::uint64_t>(options.choices, 3); ++choice) {
      const std::uint64_t seed = seed_of(place.seed, again, choice);
      const auto second = image(disk, choice, seed, seen);
      if (!second) continue;
      ++tally.recoveries_cut;
      count(check(*second, recovery.ledger, again, recording.settings, seed),
            place.key + "/" + std::to_string(again) + "/" + std::to_string(choice), tally);
    }
  }
}

Verdict PowerCut::look_at(const std::string& key) {
  const auto parts = split(key);
  if (parts.size() != 4 && parts.size() != 6)
    throw std::runtime_error(key + " is no scenario/seed/operation/choice");
  const Scenario* scenario = nullptr;
  for (const Scenario& known : scenarios())
    if (known.name == parts[0]) scenario = &known;
  if (scenario == nullptr) throw std::runtime_error(parts[0] + " is no scenario");
  const Recording recording = record(*scenario, number(parts[1]), folder_);
  const std::size_t time = number(parts[2]);
  const std::uint64_t seed = seed_of(recording.seed, time, number(parts[3]));
  DiskModel disk;
  for (std::size_t i = 0; i < time; ++i) disk.apply(recording.ops.at(i));
  std::set<std::uint64_t> seen;
  const auto tree = image(disk, number(parts[3]), seed, seen);
  if (!tree) throw std::runtime_error(key + " is the same image as one with a lower choice");
  if (parts.size() == 4) return check(*tree, recording.ledger, time, recording.settings, seed);
  const Recovery recovery = record_recovery(folder_, recording, *tree, time, seed);
  DiskModel second(*tree);
  const std::size_t again = number(parts[4]);
  for (std::size_t i = 0; i < again; ++i) second.apply(recovery.ops.at(i));
  const std::uint64_t second_seed = seed_of(seed, again, number(parts[5]));
  const auto image_again = image(second, number(parts[5]), second_seed, seen);
  if (!image_again) throw std::runtime_error(key + " is the same image as a lower choice");
  return check(*image_again, recovery.ledger, again, recording.settings, second_seed);
}

}  // namespace sluice::lab
